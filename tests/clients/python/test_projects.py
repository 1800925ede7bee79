"""Projects, spiders, summaries and settings through the official Python client."""

import unittest

from base import KEY, URL, ClientTest
from scrapinghub import Connection
from scrapinghub.client.exceptions import BadRequest, NotFound


class Spiders(ClientTest):
    def test_a_spider_has_a_number_once_it_has_a_job(self):
        with self.assertRaisesRegex(NotFound, "Spider spider doesn't exist"):
            self.project.spiders.get("spider")
        self.jobs.run("other")
        self.jobs.run("spider")
        spider = self.project.spiders.get("spider")
        self.assertEqual(spider.key, "%d/2" % self.project_id)
        self.assertEqual(spider.jobs.run(job_args={"a": "1"}).key, self.key(2, 2))

    def test_a_spider_gets_a_number_on_wish(self):
        spider = self.project.spiders.get("new one/x", create=1)
        self.assertEqual(spider.key, "%d/1" % self.project_id)
        self.assertEqual(self.jobs.run("new one/x").key, self.key(1, 1))
        # Python's own word for yes, as the client's documentation has it.
        spider = self.project.spiders.get("x", create=True)
        self.assertEqual(spider.key, "%d/2" % self.project_id)
        with self.assertRaisesRegex(NotFound, "Spider y doesn't exist"):
            self.project.spiders.get("y", create=False)

    def test_spiders_are_listed_with_the_version_of_their_latest_job(self):
        self.assertEqual(self.project.spiders.list(), [])
        self.finished("a", version="v1")
        self.finished("a", version="v2")
        self.finished("py:b")
        expected = [
            {"id": "a", "tags": [], "type": "manual", "version": "v2"},
            {"id": "py:b", "tags": [], "type": "script", "version": None},
        ]
        self.assertEqual(self.project.spiders.list(), expected)
        self.assertEqual(list(self.project.spiders.iter()), expected)
        old = Connection(KEY, url=URL + "/api/")[self.project_id]
        self.assertEqual(old.spiders(spider="a"), expected[:1])

    def test_tags_of_a_spider_go_to_the_jobs_that_are_scheduled_of_it(self):
        before = self.jobs.run("spider")
        spider = self.project.spiders.get("spider")
        self.assertEqual(spider.list_tags(), [])
        spider.update_tags(add=["a", "b"])
        spider.update_tags(add=["c"], remove=["a"])
        self.assertEqual(spider.list_tags(), ["b", "c"])
        job = self.jobs.run("spider", add_tag=["x", "b"], job_args={"n": "2"})
        self.assertEqual(job.metadata.get("tags"), ["b", "c", "x"])
        self.assertEqual(before.metadata.get("tags"), [])
        self.assertEqual(self.project.spiders.list()[0]["tags"], ["b", "c"])
        with self.assertRaises(BadRequest):
            spider.update_tags(add=[], remove=[])
        with self.assertRaises(BadRequest):
            spider.update_tags(add=["x" * 129])
        self.assertEqual(spider.list_tags(), ["b", "c"])


class Summaries(ClientTest):
    def setUp(self):
        super().setUp()
        self.first = self.finished("one", close_reason="finished", items=3)
        self.second = self.finished("one", tags=["A"])
        self.other = self.finished("two")
        self.pending = self.jobq.push("two")["key"]
        self.running = self.jobq.push("three", state="running", units=4)["key"]

    def test_a_queue_is_summarized_by_state(self):
        found = {
            state["name"]: (state["count"], [row["key"] for row in state["summary"]])
            for state in self.jobs.summary()
        }
        expected = {
            "pending": (1, [self.pending]),
            "running": (1, [self.running]),
            "finished": (3, [self.other, self.second, self.first]),
        }
        self.assertEqual(found, expected)
        self.assertEqual(list(found), ["pending", "running", "finished"])

    def test_a_summary_takes_a_state_a_spider_rows_and_fields(self):
        finished = self.jobs.summary("finished", count=1, start=1)
        self.assertEqual(finished["count"], 3)
        self.assertEqual([row["key"] for row in finished["summary"]], [self.second])
        self.assertEqual(finished["summary"][0]["tags"], ["A"])
        one = self.jobs.summary("finished", spider="one", jobmeta=["close_reason"])
        self.assertEqual(one["count"], 2)
        rows = one["summary"]
        self.assertEqual(set(rows[1]), {"key", "ts", "state", "elapsed", "close_reason"})
        two = self.project.spiders.get("two")
        self.assertEqual(two.jobs.summary("pending")["count"], 1)

    def test_each_spider_has_its_last_finished_job(self):
        rows = list(self.jobs.iter_last())
        self.assertEqual([row["key"] for row in rows], [self.second, self.other])
        self.assertEqual(rows[0]["spider"], "one")
        self.assertEqual(rows[0]["ts"], rows[0]["finished_time"])
        keys = lambda **params: [row["key"] for row in self.jobs.iter_last(**params)]
        self.assertEqual(keys(count=1), [self.second])
        self.assertEqual(keys(start=1), [self.other])
        self.assertEqual(keys(start_after="1"), [self.other])
        self.assertEqual(keys(spider="two"), [self.other])
        self.assertEqual(keys(spider="three"), [])

    def test_jobs_are_summarized_by_key(self):
        rows = self.jobq.jobsummary([self.pending, self.first, self.key(9, 9)], ["spider", "items"])
        rows = list(rows)
        self.assertEqual([row["key"] for row in rows], [self.pending, self.first])
        self.assertEqual((rows[0]["state"], rows[0]["spider"]), ("pending", "two"))
        self.assertEqual(rows[1]["items"], 3)

    def test_a_project_is_summarized(self):
        summary = self.client._hsclient.get_project(self.project_id).jobsummary()
        expected = {
            "project": self.project_id,
            "pending": 1,
            "running": 1,
            "finished": 3,
            "has_capacity": True,
            "running_units_count": 4,
            "pending_units_max": None,
        }
        self.assertEqual(summary, expected)
        mine = {name: expected[name] for name in list(expected)[:5]}
        self.assertIn(mine, self.client.projects.summary())
        self.assertIn(mine, self.client.projects.summary(state=["running"]))
        self.assertIn(self.project_id, self.client.projects.list())
        old = Connection(KEY, url=URL + "/api/")
        self.assertIn(self.project_id, old.project_ids())


class Settings(ClientTest):
    def test_settings_are_set_read_and_deleted(self):
        settings = self.project.settings
        self.assertEqual(list(settings.iter()), [])
        self.assertIsNone(settings.get("job_runtime_limit"))
        settings.set("job_runtime_limit", 20)
        settings.update({"default_job_units": 2, "float": 1566311822568.0})
        expected = {"default_job_units": 2, "float": 1566311822568.0, "job_runtime_limit": 20}
        self.assertEqual(dict(settings.iter()), expected)
        self.assertEqual(repr(settings.get("float")), "1566311822568.0")
        settings.delete("job_runtime_limit")
        settings.delete("job_runtime_limit")
        self.assertEqual(sorted(dict(settings.list())), ["default_job_units", "float"])
        self.assertIn(self.project_id, self.client.projects.list())


class Time(ClientTest):
    def test_the_server_tells_its_time(self):
        before = self.client._hsclient.server_timestamp()
        self.finished()
        after = self.client._hsclient.server_timestamp()
        finished = self.jobs.list()[0]["ts"]
        self.assertLessEqual(before, finished)
        self.assertLessEqual(finished, after)


if __name__ == "__main__":
    unittest.main()
