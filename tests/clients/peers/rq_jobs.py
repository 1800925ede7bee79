"""rq's part of `load peers`: `add N` adds N jobs, 1,000 a call; `work` processes all that are there,
in this one process (rq's usual worker starts a process for each job). Prints the seconds and the CPU
seconds that this took, without the start of this program. REDIS_SOCKET is the socket of the server.
"""

import json
import logging
import os
import sys
import time

from redis import Redis
from rq import Queue, SimpleWorker

BATCH = 1000


def spider(url):
    """The job: nothing."""


def add(queue, count):
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        args = {"kwargs": {"url": "http://example.com/"}}
        queue.enqueue_many([Queue.prepare_data("rq_jobs.spider", **args) for _ in range(size)])


def work(queue):
    logging.disable(logging.CRITICAL)
    SimpleWorker([queue], connection=queue.connection).work(burst=True)


def main():
    queue = Queue("spider", connection=Redis(unix_socket_path=os.environ["REDIS_SOCKET"]))
    queue.connection.ping()
    start, cpu = time.perf_counter(), time.process_time()
    if sys.argv[1] == "add":
        add(queue, int(sys.argv[2]))
    else:
        work(queue)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    main()
