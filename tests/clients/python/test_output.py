"""What jobs put out through the official Python client: written, read, and counted.

Each test runs with MessagePack and without, as if the library were not installed.
"""

import io
import logging
import math

from base import KEY, URL, ClientTest, connect
from scrapinghub import ScrapinghubClient
from scrapinghub.client.exceptions import ValueTooLarge


class OutputTest(ClientTest):
    """A running job, and a client of each kind."""

    def setUp(self):
        super().setUp()
        self.job_key = self.running()

    def running(self):
        key = self.jobq.push("spider")["key"]
        list(self.jobq.apipost("update", jl={"key": key, "state": "running"}))
        return key

    def for_each_client(self, test):
        for use_msgpack in (True, False):
            client = ScrapinghubClient(
                KEY, endpoint=URL, dash_endpoint=URL + "/api/", use_msgpack=use_msgpack
            )
            self.assertEqual(client._hsclient.use_msgpack, use_msgpack)
            with self.subTest(use_msgpack=use_msgpack):
                test(client.get_job(self.running()))
            client.close()


class Items(OutputTest):
    def test_items_are_written_and_read_in_every_way(self):
        self.for_each_client(self.check_items)

    def check_items(self, job):
        items = [{"n": n, "name": "ü%d" % n, "tags": [n, None, 1.5]} for n in range(5)]
        for item in items:
            job.items.write(item)
        job.items.flush()
        job.items.close()
        self.assertEqual(list(job.items.iter()), items)
        self.assertEqual(job.items.list(count=2), items[:2])
        self.assertEqual(job.items.list(start=job.key + "/3"), items[3:])
        self.assertEqual(job.items.list(startafter=job.key + "/3"), items[4:])
        self.assertEqual(job.items.list(offset=4), items[4:])
        self.assertEqual(job.items.list(index=[0, 4]), [items[0], items[4]])
        self.assertEqual(job.items.list(filter=[("n", ">", [1]), ("n", "<", [4])]), items[2:4])
        chunks = list(job.items.list_iter(chunksize=2))
        self.assertEqual(chunks, [items[:2], items[2:4], items[4:]])
        chunks = list(job.items.list_iter(chunksize=2, start=1, count=3))
        self.assertEqual(chunks, [items[1:3], items[3:4]])
        self.assertEqual(job.items.get(3), items[3])
        self.assertEqual(job.items.get(9), None)
        keys = [item["_key"] for item in job.items.iter(meta=["_key"])]
        self.assertEqual(keys, ["%s/%d" % (job.key, n) for n in range(5)])
        self.assertEqual(job.items.list(meta=["_key"], nodata=1, count=1), [{"_key": keys[0]}])
        stats = job.items.stats()
        self.assertEqual(stats["counts"], {"n": 5, "name": 5, "tags": 5})
        self.assertEqual(stats["totals"]["input_values"], 5)

    def test_numbers_that_json_has_not_are_stored_as_null(self):
        self.for_each_client(self.check_numbers)

    def check_numbers(self, job):
        job.items.write({"a": math.nan, "b": [math.inf, -math.inf], "c": 2**63, "d": "\ud800"})
        job.items.flush()
        found = {"a": None, "b": [None, None], "c": 2**63, "d": "\ufffd"}
        if not job._client._hsclient.use_msgpack:
            found["d"] = "\ud800"
        self.assertEqual(job.items.list(), [found])

    def test_many_batches_come_in_order(self):
        job = self.client.get_job(self.job_key)
        items = [{"n": n, "text": "x" * 200} for n in range(2500)]
        for item in items:
            job.items.write(item)
        job.items.flush()
        self.assertEqual(list(job.items.iter()), items)
        with self.assertRaises(ValueTooLarge):
            job.items.write({"text": "x" * (1 << 20)})

    def test_a_refusal_that_stays_one_does_not_hold_up_the_writer(self):
        key = self.jobq.push("spider", state="deleted")["key"]
        warnings = io.StringIO()
        handler = logging.StreamHandler(warnings)
        logger = logging.getLogger("hubstorage.batchuploader")
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)
        job = self.client.get_job(key)
        job.items.write({"n": 1})
        job.items.flush()
        self.assertIn("Discarding write to url=%s/items/%s offset=0" % (URL, key), warnings.getvalue())
        self.assertIn('"error":"Conflict"', warnings.getvalue())


class Logs(OutputTest):
    def test_log_lines_are_written_and_read_by_level(self):
        self.for_each_client(self.check_logs)

    def check_logs(self, job):
        job.logs.debug("low", ts=1)
        job.logs.info("hello", ts=2)
        job.logs.warn("careful", ts=3)
        job.logs.error("bad", ts=4)
        job.logs.flush()
        levels = [(line["level"], line["message"], line["time"]) for line in job.logs.iter()]
        expected = [(10, "low", 1), (20, "hello", 2), (30, "careful", 3), (40, "bad", 4)]
        self.assertEqual(levels, expected)
        errors = [line["message"] for line in job.logs.iter(level="ERROR")]
        self.assertEqual(errors, ["bad"])
        found = job.logs.list(filter=[("message", "contains", ["ell"])])
        self.assertEqual([line["message"] for line in found], ["hello"])
        self.assertEqual(job.logs.list(offset=3, level="WARNING")[0]["message"], "bad")
        self.assertEqual(job.logs.stats()["totals"]["input_values"], 4)
        self.assertEqual(job.logs.stats()["counts"], {"10": 1, "20": 1, "30": 1, "40": 1})

    def test_a_writer_in_append_mode_goes_on_at_the_end(self):
        for message in ("first", "second"):
            client = connect()
            logs = client._hsclient.get_job(self.job_key).logs
            logs.batch_append = True
            logs.info(message)
            logs.close()
            client.close()
        found = [line["message"] for line in self.client.get_job(self.job_key).logs.iter()]
        self.assertEqual(found, ["first", "second"])


class RequestsAndSamples(OutputTest):
    def test_requests_are_added_and_read(self):
        self.for_each_client(self.check_requests)

    def check_requests(self, job):
        job.requests.add("http://a/", 200, "GET", 1024, 12, 1351521736957)
        job.requests.add("http://a/b", 404, "GET", 0, 3, 1351521736999, parent=0, fp="f")
        job.requests.flush()
        urls = [request["url"] for request in job.requests.iter()]
        self.assertEqual(urls, ["http://a/", "http://a/b"])
        self.assertEqual(job.requests.get(1)["parent"], 0)
        self.assertEqual(job.requests.list(filter=[("status", "=", [404])])[0]["url"], "http://a/b")
        self.assertEqual(job.requests.stats()["totals"]["input_values"], 2)

    def test_samples_are_written_and_read(self):
        self.for_each_client(self.check_samples)

    def check_samples(self, job):
        samples = [[1484570043851, 554, 576], [1484570046673, 561, 583]]
        for sample in samples:
            job.samples.write(sample)
        job.samples.flush()
        self.assertEqual(list(job.samples.iter()), samples)
        self.assertEqual(job.samples.list(count=1), samples[:1])
        self.assertEqual(job.samples.get(1), samples[1])


class Access(OutputTest):
    def test_a_job_writes_and_reads_with_its_own_token(self):
        token = self.client._hsclient.get_job(self.job_key).metadata.authtoken()
        client = connect((self.job_key, token))
        self.addCleanup(client.close)
        job = client.get_job(self.job_key)
        job.items.write({"n": 1})
        job.items.flush()
        self.assertEqual(job.items.list(), [{"n": 1}])

    def test_a_job_without_output_or_none_at_all_has_no_lines(self):
        for key in (self.job_key, self.key(1, 99)):
            job = self.client.get_job(key)
            for output in (job.items, job.logs, job.requests, job.samples):
                self.assertEqual(list(output.iter()), [])


class Legacy(OutputTest):
    def test_the_old_client_reads_items_by_job(self):
        from scrapinghub import Connection

        job = self.client.get_job(self.job_key)
        for n in range(3):
            job.items.write({"n": n})
        job.items.flush()
        project = Connection(KEY, url=URL + "/api/")[self.project_id]
        old = project.job(self.job_key)
        self.assertEqual(list(old.items()), [{"n": 0}, {"n": 1}, {"n": 2}])
        self.assertEqual(list(old.items(offset=1, count=1)), [{"n": 1}])
