"""What all tests of the official Python client begin with: a client and a fresh project."""

import itertools
import os
import unittest

from scrapinghub import ScrapinghubClient

URL = os.environ["SPIDERQ_URL"]
KEY = os.environ["SPIDERQ_KEY"]
PROJECTS = itertools.count(1000)


def connect(key=KEY):
    return ScrapinghubClient(auth=key, endpoint=URL, dash_endpoint=URL + "/api/")


class ClientTest(unittest.TestCase):
    """A client and a fresh project."""

    def setUp(self):
        self.client = connect()
        self.addCleanup(self.client.close)
        self.project_id = next(PROJECTS)
        self.project = self.client.get_project(self.project_id)
        self.jobs = self.project.jobs
        self.jobq = self.client._hsclient.get_project(self.project_id).jobq

    def key(self, spider, job):
        return "%d/%d/%d" % (self.project_id, spider, job)

    def finished(self, spider="spider", **params):
        return self.jobq.push(spider, state="finished", **params)["key"]
