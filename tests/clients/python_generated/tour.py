"""A tour of the gRPC API with generated code: errors with details, and changes by filter.

Needs: pip install grpcio grpcio-tools grpcio-status, and the folder proto/. run.sh generates
the code and runs this:
    SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... ./run.sh
"""

import os

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from spiderq.v1.job_pb2 import JobFilter, NewJob, SpiderRef
from spiderq.v1.job_service_pb2 import GetJobRequest, ScheduleJobRequest, StopJobsRequest
from spiderq.v1.job_service_pb2_grpc import JobServiceStub

ADDRESS = os.environ["SPIDERQ_URL"].removeprefix("http://")
METADATA = [("authorization", "Bearer " + os.environ["SPIDERQ_KEY"])]


def call(method, request):
    return method(request, metadata=METADATA, timeout=10)


with grpc.insecure_channel(ADDRESS) as channel:
    jobs = JobServiceStub(channel)
    spider = SpiderRef(name="somespider")
    new = NewJob(spider=spider, tags=["sometag"], spider_args={"arg1": "val1"})
    schedule = ScheduleJobRequest(project=123, job=new)
    job = call(jobs.ScheduleJob, schedule).job
    print("scheduled", job.key)

    # The same once more while it is active: the details say why it is refused.
    try:
        call(jobs.ScheduleJob, schedule)
    except grpc.RpcError as error:
        info = ErrorInfo()
        for detail in rpc_status.from_call(error).details:
            if detail.Unpack(info):
                print("refused", info.reason, "of", info.metadata["key"])

    # All jobs that match, first without doing it. Until next_page_token is empty, there are more.
    matching = JobFilter(spiders=[spider], has_tags=["sometag"])
    stop = StopJobsRequest(project=123, filter=matching, validate_only=True)
    print("would stop", call(jobs.StopJobs, stop).count)
    stop.validate_only = False
    print("stopped", call(jobs.StopJobs, stop).count)

    job = call(jobs.GetJob, GetJobRequest(key=job.key)).job
    print("finished %s, %s" % (job.key, job.close_reason))
