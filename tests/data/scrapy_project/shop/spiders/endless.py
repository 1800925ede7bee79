"""Crawls until it is stopped, or killed."""

import os
import signal
import subprocess

import scrapy


class Endless(scrapy.Spider):
    """Follows the site's endless chain of pages, slowly; one item a page.

    With the argument `deaf` it ignores the polite stop. With `helper` it has a child process.
    """

    name = "endless"
    custom_settings = {"DOWNLOAD_DELAY": 0.05, "RANDOMIZE_DOWNLOAD_DELAY": False}

    def __init__(self, url=None, deaf=None, helper=None, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [f"{url}/endless/1"]
        self.deaf = deaf
        self.pids = [os.getpid()]
        if helper:
            self.pids.append(subprocess.Popen(["tail", "-f", "/dev/null"]).pid)

    def parse(self, response):
        if self.deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        yield {"page": response.url, "pids": self.pids}
        yield response.follow(response.css("a::attr(href)").get())
