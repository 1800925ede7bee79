"""Jobs through the client's older part, `Connection`, which programs of many years still use."""

import unittest

from base import KEY, URL, ClientTest
from scrapinghub import APIError, Connection


class Legacy(ClientTest):
    def setUp(self):
        super().setUp()
        self.old = Connection(KEY, url=URL + "/api/")[self.project_id]

    def test_it_lists_and_changes_jobs(self):
        key = self.old.schedule("spider", add_tag="a", arg="1")
        self.assertEqual(key, self.key(1, 1))
        job = self.old.job(key)
        self.assertEqual(job.id, key)
        self.assertEqual(job.info["state"], "pending")
        self.assertEqual(job.info["spider_args"], {"arg": "1"})
        self.assertEqual(job.update(add_tag="b"), 1)
        found = list(self.old.jobs(state="pending", has_tag="b"))
        self.assertEqual([job.id for job in found], [key])
        self.assertEqual(self.old.jobs(spider="spider").count(), 1)
        job.stop()
        self.assertEqual(self.old.jobs(state="finished").count(), 1)
        self.assertEqual(job.delete(), 1)
        with self.assertRaises(APIError):
            Connection("f" * 32, url=URL + "/api/")[self.project_id].schedule("spider")

    def test_it_updates_the_jobs_of_a_list(self):
        done = [self.finished("one"), self.finished("two", tags=["old"])]
        waiting = self.old.schedule("one")
        finished = self.old.jobs(state="finished")
        self.assertEqual(finished.update(add_tag="consumed"), 2)
        consumed = {job.id: job.info["tags"] for job in self.old.jobs(has_tag="consumed")}
        self.assertEqual(consumed, {done[0]: ["consumed"], done[1]: ["old", "consumed"]})
        # What the update changes is what the list goes by.
        some = self.old.jobs(state=["pending", "finished"], lacks_tag="consumed")
        self.assertEqual(some.update(add_tag="consumed"), 1)
        self.assertEqual(some.count(), 0)
        one = self.old.jobs(spider="one", has_tag=["consumed", "old"])
        self.assertEqual(one.update(remove_tag="consumed"), 2)
        self.assertEqual(self.old.job(waiting).info["tags"], [])

    def test_a_list_is_stopped_and_deleted(self):
        keys = [self.old.schedule("spider", n=str(number)) for number in range(3)]
        self.old.jobs(state="pending").stop()
        self.assertEqual(self.old.jobs(state="finished").count(), 3)
        self.old.jobs(job=keys[:2]).delete()
        self.assertEqual([job.id for job in self.old.jobs()], keys[2:])


if __name__ == "__main__":
    unittest.main()
