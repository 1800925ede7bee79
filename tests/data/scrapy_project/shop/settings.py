"""Settings of the project that the runner's tests crawl with."""

BOT_NAME = "shop"
SPIDER_MODULES = ["shop.spiders"]
ROBOTSTXT_OBEY = True
DOWNLOAD_DELAY = 0
# Scrapy's remote control. The runner keeps it off, whatever a project says.
TELNETCONSOLE_ENABLED = True
