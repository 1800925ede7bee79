"""Fails before it crawls."""

import scrapy


class Broken(scrapy.Spider):
    """Its constructor raises."""

    name = "broken"

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        raise ValueError("the shop is closed")
