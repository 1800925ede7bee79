"""The normal case: items from a few pages, one of which is missing."""

import scrapy


class Books(scrapy.Spider):
    """Crawls the site at `url` (an argument) from page to page."""

    name = "books"
    handle_httpstatus_list = [404]

    def __init__(self, url=None, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [f"{url}/1"]

    def parse(self, response):
        if response.status == 404:
            self.logger.error("page is missing: %s", response.url)
            return
        for book in response.css("li"):
            yield {"title": book.css("::text").get(), "url": response.url}
        for link in response.css("a::attr(href)").getall():
            yield response.follow(link)
