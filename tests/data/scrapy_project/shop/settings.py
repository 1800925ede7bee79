"""Settings of the project that the runner's tests crawl with."""

BOT_NAME = "shop"
SPIDER_MODULES = ["shop.spiders"]
ROBOTSTXT_OBEY = True
DOWNLOAD_DELAY = 0
# Scrapy's servers that run code. The runner keeps them off, whatever a project says.
REMOTE_CONTROL_ENABLED = True
TELNETCONSOLE_ENABLED = True
