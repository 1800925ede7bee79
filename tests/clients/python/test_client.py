"""Jobs through the official Python client. SPIDERQ_URL and SPIDERQ_KEY name the service.

Each test works in a project of its own, so that none sees another's jobs.
"""

import gzip
import shlex
import unittest

import requests
from base import KEY, URL, ClientTest, connect
from scrapinghub.client.exceptions import (
    BadRequest,
    DuplicateJobError,
    NotFound,
    Unauthorized,
)
from scrapinghub.hubstorage.jobq import DuplicateJobError as DuplicatePush


class Run(ClientTest):
    def test_a_job_is_run_with_everything_that_the_client_can_give(self):
        job = self.jobs.run(
            "spider",
            units=3,
            priority=4,
            meta={"origin": "test", "big": 2**63 - 1},
            add_tag=["a", "b"],
            job_args={"arg1": "val1", "arg2": "ü"},
            job_settings={"CONCURRENT_REQUESTS": 3, "FLOAT": 1.0},
            environment={"HOME": "/tmp"},
        )
        self.assertEqual(job.key, self.key(1, 1))
        meta = dict(job.metadata.iter())
        self.assertEqual(meta["project"], self.project_id)
        self.assertEqual(meta["spider"], "spider")
        self.assertEqual(meta["state"], "pending")
        self.assertEqual(meta["units"], 3)
        self.assertEqual(meta["priority"], 4)
        self.assertEqual(meta["tags"], ["a", "b"])
        self.assertEqual(meta["spider_args"], {"arg1": "val1", "arg2": "ü"})
        self.assertEqual(meta["job_settings"], {"CONCURRENT_REQUESTS": 3, "FLOAT": 1.0})
        self.assertIsInstance(meta["job_settings"]["FLOAT"], float)
        self.assertEqual(meta["environment"], {"HOME": "/tmp"})
        self.assertEqual(meta["origin"], "test")
        self.assertEqual(meta["big"], 2**63 - 1)
        self.assertEqual(meta["spider_type"], "manual")
        self.assertTrue(meta["scheduled_by"])
        self.assertTrue(meta["api_url"].endswith("/api/"), meta["api_url"])
        self.assertIsInstance(meta["pending_time"], int)

    def test_what_is_not_given_has_its_default(self):
        meta = dict(self.jobs.run("spider").metadata.iter())
        self.assertEqual((meta["units"], meta["priority"], meta["tags"]), (1, 2, []))

    def test_a_script_is_run_with_its_command_line(self):
        job = self.jobs.run("py:hello.py", cmd_args="--name x -v")
        meta = dict(job.metadata.iter())
        self.assertEqual(meta["cmd_args"], "--name x -v")
        self.assertEqual(meta["spider_type"], "script")

    def test_a_script_is_run_again_from_its_command(self):
        job = self.jobs.run("py:s.py", cmd_args='a "b c"')
        command = job.metadata.get("job_cmd")
        self.assertEqual(command, ["py:s.py", "a", "b c"])
        clone = self.jobs.run(command[0], cmd_args=shlex.join(command[1:]))
        self.assertEqual(clone.metadata.get("job_cmd"), command)

    def test_a_job_may_begin_running(self):
        job = self.jobs.run("spider", meta={"state": "running"})
        meta = dict(job.metadata.iter())
        self.assertEqual(meta["state"], "running")
        self.assertTrue(meta["started_by"])
        self.assertIsInstance(meta["running_time"], int)

    def test_the_same_job_again_is_a_duplicate_until_the_first_is_over(self):
        first = self.jobs.run("spider", job_args={"a": "1"})
        with self.assertRaisesRegex(DuplicateJobError, "spider already scheduled"):
            self.jobs.run("spider", job_args={"a": "1"})
        self.jobs.run("spider", job_args={"a": "2"})
        first.start()
        with self.assertRaises(DuplicateJobError):
            self.jobs.run("spider", job_args={"a": "1"})
        first.finish()
        self.assertEqual(self.jobs.run("spider", job_args={"a": "1"}).key, self.key(1, 3))

    def test_what_is_out_of_range_is_a_bad_request(self):
        for wrong in ({"units": 7}, {"priority": 5}, {"job_settings": "no json"}):
            with self.subTest(wrong), self.assertRaisesRegex(BadRequest, list(wrong)[0]):
                self.jobs.run("spider", **wrong)
        self.assertEqual(self.jobs.count(state=["pending", "running", "finished"]), 0)


class Lists(ClientTest):
    def setUp(self):
        super().setUp()
        self.first = self.finished("one", tags=["A"])
        self.second = self.finished("two", tags=["A", "B"], close_reason="finished")
        self.third = self.finished("one", tags=["B"], version="v1")
        self.jobq.push("two", tags=["C"])
        self.jobq.push("two", state="running")
        self.jobq.push("two", state="deleted")

    def keys(self, **filters):
        found = [row["key"] for row in self.jobs.iter(**filters)]
        if not {"count", "start"} & set(filters):
            self.assertEqual(self.jobs.count(**filters), len(found), filters)
        self.assertEqual([row["key"] for row in self.jobs.list(**filters)], found)
        return found

    def test_finished_jobs_come_latest_first(self):
        self.assertEqual(self.keys(), [self.third, self.second, self.first])

    def test_every_filter_holds(self):
        self.assertEqual(self.keys(spider="one"), [self.third, self.first])
        self.assertEqual(self.keys(spider="nobody"), [])
        self.assertEqual(self.keys(state="pending"), [self.key(2, 2)])
        self.assertEqual(self.keys(state="deleted"), [self.key(2, 4)])
        both = [self.key(2, 3), self.key(2, 2)]
        self.assertEqual(self.keys(state=["pending", "running"]), both)
        self.assertEqual(self.keys(has_tag="A"), [self.second, self.first])
        everything = [self.third, self.second, self.first]
        self.assertEqual(self.keys(has_tag=["A", "B"]), everything)
        self.assertEqual(self.keys(lacks_tag="A"), [self.third])
        self.assertEqual(self.keys(lacks_tag=["A", "B"]), [])
        self.assertEqual(self.keys(has_tag="B", lacks_tag="A", spider="one"), [self.third])

    def test_lists_are_paged(self):
        self.assertEqual(self.keys(count=1), [self.third])
        self.assertEqual(self.keys(count=1, start=1), [self.second])
        self.assertEqual(self.keys(start=2), [self.first])
        self.assertEqual(self.keys(start=3), [])

    def test_times_bound_a_list(self):
        first, third = (
            self.client.get_job(key).metadata.get("finished_time")
            for key in (self.first, self.third)
        )
        self.assertIn(self.third, self.keys(startts=third))
        self.assertIn(self.first, self.keys(startts=first, endts=third + 1))
        self.assertEqual(self.keys(endts=first), [])
        self.assertEqual(self.keys(startts=third + 1), [])

    def test_a_list_stops_at_a_job(self):
        rows = list(self.jobq.list(stop=self.first))
        self.assertEqual([row["key"] for row in rows], [self.third, self.second])

    def test_a_row_tells_about_its_job(self):
        row = self.jobs.list(count=1, start=1)[0]
        self.assertEqual(row["key"], self.second)
        self.assertEqual(row["state"], "finished")
        self.assertEqual(row["spider"], "two")
        self.assertEqual(row["tags"], ["A", "B"])
        self.assertEqual(row["close_reason"], "finished")
        self.assertEqual(row["ts"], row["finished_time"])
        self.assertGreaterEqual(row["elapsed"], 0)

    def test_a_row_has_the_fields_asked_for(self):
        row = self.jobs.list(count=1, meta=["version", "nothing"])[0]
        self.assertEqual(set(row), {"key", "ts", "state", "elapsed", "tags", "version"})
        self.assertEqual(row["version"], "v1")
        row = self.jobs.list(count=1, jobmeta="spider")[0]
        self.assertEqual(row["spider"], "one")

    def test_a_job_is_found_by_its_key(self):
        self.assertEqual(self.jobs.get(self.first).key, self.first)
        self.assertEqual(self.client.get_job(self.first).metadata.get("spider"), "one")
        unknown = self.key(9, 9)
        self.assertIsNone(self.client.get_job(unknown).metadata.get("spider"))
        # As `shub` asks whether there is such a job.
        self.assertFalse(self.client._hsclient.get_job(unknown).metadata)


class Metadata(ClientTest):
    def setUp(self):
        super().setUp()
        self.job = self.client.get_job(self.finished())
        self.metadata = self.job.metadata

    def test_values_come_back_exactly(self):
        values = {
            "largest": 2**63 - 1,
            "unsigned": 2**64 - 1,
            "negative": -(2**63),
            "float": 1566311822568.0,
            "tiny": 5e-324,
            "text": 'quotes " and \\ and \u2028 and \U0001f600 and \x00',
            "nothing": None,
            "empty": [{}, [], ""],
            "nested": {"b": 1, "a": {"d": [1, 2.0, "3"], "c": False}},
        }
        for name, value in values.items():
            self.metadata.set(name, value)
            self.assertEqual(repr(self.metadata.get(name)), repr(value))
        found = dict(self.metadata.iter())
        self.assertEqual({name: found[name] for name in values}, values)

    def test_several_fields_are_updated_and_one_is_deleted(self):
        self.metadata.update({"a": 1, "b": 2})
        self.metadata.update({"b": 3, "c": 4})
        found = dict(self.metadata.iter())
        self.assertEqual((found["a"], found["b"], found["c"]), (1, 3, 4))
        self.metadata.delete("b")
        self.metadata.delete("b")
        self.assertIsNone(self.metadata.get("b"))
        self.assertNotIn("b", dict(self.metadata.iter()))

    def test_what_the_service_sets_is_not_overwritten(self):
        before = dict(self.metadata.iter())
        self.metadata.update({"project": 1, "finished_time": 2, "scheduled_by": "x"})
        after = dict(self.metadata.iter())
        self.assertEqual(after, before)

    def test_tags_written_as_metadata_are_found_by_lists(self):
        self.metadata.set("tags", ["new"])
        self.assertEqual(self.jobs.count(has_tag="new"), 1)

    def test_numbers_that_json_has_not_are_refused(self):
        for wrong in (float("nan"), float("inf")):
            with self.subTest(wrong), self.assertRaisesRegex(BadRequest, "wrong"):
                self.metadata.set("wrong", wrong)
            with self.subTest(wrong), self.assertRaisesRegex(BadRequest, "wrong"):
                self.metadata.update({"wrong": [wrong]})
        self.assertIsNone(self.metadata.get("wrong"))


class Life(ClientTest):
    def test_a_job_goes_from_pending_to_deleted(self):
        job = self.jobs.run("spider")
        self.assertEqual(job.start(), "pending")
        self.assertEqual(job.metadata.get("state"), "running")
        self.assertEqual(job.finish(close_reason="finished"), "running")
        self.assertEqual(job.metadata.get("close_reason"), "finished")
        self.assertEqual(job.delete(), "finished")
        self.assertEqual(job.metadata.get("state"), "deleted")
        self.assertEqual(self.jobs.count(state="deleted"), 1)

    def test_a_deleted_job_is_restored_when_it_is_finished_again(self):
        job = self.client.get_job(self.finished(close_reason="done"))
        ended = job.metadata.get("finished_time")
        self.assertEqual(job.delete(), "finished")
        self.assertEqual(job.finish(close_reason="late"), "deleted")
        meta = dict(job.metadata.iter())
        self.assertEqual((meta["state"], meta["close_reason"]), ("finished", "done"))
        self.assertEqual(meta["finished_time"], ended)
        self.assertTrue(meta["restored_by"])
        self.assertGreaterEqual(meta["restored_time"], ended)
        self.assertNotIn("deleted_time", meta)
        self.assertEqual(self.jobs.count(), 1)

    def test_an_unknown_job_is_not_found(self):
        with self.assertRaises(NotFound):
            self.client.get_job(self.key(1, 1)).start()

    def test_a_pending_job_is_cancelled_at_once(self):
        job = self.jobs.run("spider")
        job.cancel()
        self.assertEqual(job.metadata.get("state"), "finished")
        self.assertEqual(job.metadata.get("close_reason"), "cancelled")

    def test_a_running_job_is_asked_to_stop(self):
        job = self.jobs.run("spider")
        job.start()
        job.cancel()
        self.assertEqual(job.metadata.get("state"), "running")
        self.assertIs(job.metadata.get("stop_requested"), True)
        self.assertTrue(job.metadata.get("cancelled_by"))

    def test_jobs_are_cancelled_by_key_and_by_count(self):
        keys = [self.jobq.push("spider")["key"] for _ in range(5)]
        self.assertEqual(self.jobs.cancel(keys=keys[3:]), {"count": 2})
        self.assertEqual(list(self.jobs.cancel(count=2)), [{"count": 2}])
        pending = [row["key"] for row in self.jobs.iter(state="pending")]
        self.assertEqual(pending, [keys[2]])

    def test_tags_of_a_job_are_updated(self):
        job = self.client.get_job(self.finished(tags=["a", "b"]))
        job.update_tags(add=["c", "a"], remove=["b", "x"])
        self.assertEqual(job.metadata.get("tags"), ["a", "c"])

    def test_tags_of_all_jobs_of_a_spider_are_updated(self):
        for state in ("pending", "running", "finished", "deleted"):
            self.jobq.push("spider", state=state)
        self.jobq.push("other")
        self.assertEqual(self.jobs.update_tags(add=["new"], spider="spider"), 3)
        everywhere = ["pending", "running", "finished", "deleted"]
        self.assertEqual(self.jobs.count(has_tag="new", state=everywhere), 3)
        self.assertEqual(self.jobs.update_tags(remove=["new"], spider="spider"), 3)
        self.assertEqual(self.jobs.count(has_tag="new", state=everywhere), 0)


class Queue(ClientTest):
    """The client's storage half, as workers of the original use it."""

    def test_a_worker_starts_and_finishes_the_next_job(self):
        self.jobq.push("spider", priority=self.jobq.PRIO_LOW)
        urgent = self.jobq.push("spider", priority=self.jobq.PRIO_HIGHEST)["key"]
        started = self.jobq.start(botgroup="none")
        self.assertEqual(started["key"], urgent)
        self.assertEqual(started["state"], "running")
        self.assertEqual(started["spider"], "spider")
        done = list(self.jobq.finish(started, close_reason="no_reason"))
        self.assertEqual(done, [{"key": urgent, "prevstate": "running"}])
        self.jobq.start()
        self.assertIsNone(self.jobq.start())

    def test_the_token_of_a_running_job_writes_its_metadata(self):
        self.jobq.push("spider")
        started = self.jobq.start()
        auth = "%s:%s" % (started["key"], started["auth"])
        worker = connect(auth.encode().hex())
        self.addCleanup(worker.close)
        job = worker.get_job(started["key"])
        job.metadata.set("note", "by the job itself")
        self.assertEqual(job.metadata.get("note"), "by the job itself")
        self.assertEqual(job.finish(), "running")
        with self.assertRaises(Unauthorized):
            job.metadata.get("note")

    def test_a_unique_value_is_held_by_one_active_job(self):
        self.jobq.push("spider", unique="u")
        with self.assertRaisesRegex(DuplicatePush, "Active job exists with key u"):
            self.jobq.push("spider", unique="u")
        self.jobq.push("spider", unique=None)

    def test_a_bad_line_is_answered_in_its_place(self):
        with self.assertRaisesRegex(requests.HTTPError, "priority"):
            self.jobq.push("spider", priority=9)
        self.assertEqual(self.jobs.count(state="pending"), 0)


class Access(ClientTest):
    def test_a_wrong_key_is_told_apart(self):
        stranger = connect("f" * 32)
        self.addCleanup(stranger.close)
        jobs = stranger.get_project(self.project_id).jobs
        with self.assertRaises(Unauthorized):
            jobs.run("spider")
        with self.assertRaises(Unauthorized):
            jobs.count()

    def test_a_compressed_body_is_taken(self):
        body = gzip.compress(b'{"spider":"zipped"}\n')
        answer = requests.post(
            "%s/jobq/%d/push" % (URL, self.project_id),
            data=body,
            headers={"Content-Encoding": "gzip"},
            auth=(KEY, ""),
            timeout=60,
        )
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(answer.json(), {"key": self.key(1, 1), "auth": None})


if __name__ == "__main__":
    unittest.main()
