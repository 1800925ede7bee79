"""The life of a job over gRPC from Python, without generated code.

The messages come from the server's reflection. Needs: pip install grpcio grpcio-reflection
    SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... python life.py
"""

import json
import os

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

KEY = os.environ["SPIDERQ_KEY"]
ADDRESS = os.environ["SPIDERQ_URL"].removeprefix("http://")


class Service:
    """Calls `spiderq.v1.NAME`: service.Method(field=value) answers the message, or for a
    streaming method an iterator of them."""

    def __init__(self, channel, name):
        self.channel = channel
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        self.descriptor = pool.FindServiceByName("spiderq.v1." + name)

    def __getattr__(self, name):
        method = self.descriptor.methods_by_name[name]
        kind = "unary_stream" if method.server_streaming else "unary_unary"
        call = getattr(self.channel, kind)(
            "/%s/%s" % (self.descriptor.full_name, name),
            request_serializer=GetMessageClass(method.input_type).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        metadata = [("authorization", "Bearer " + KEY)]
        request = GetMessageClass(method.input_type)
        return lambda **fields: call(request(**fields), metadata=metadata, timeout=10)


with grpc.insecure_channel(ADDRESS) as channel:
    jobs = Service(channel, "JobService")
    queue = Service(channel, "JobQueueService")

    key = jobs.ScheduleJob(
        project=123,
        job={
            "spider": {"name": "somespider"},
            "tags": ["sometag"],
            "spider_args": {"arg1": "val1"},
        },
    ).job.key
    print("scheduled", key)

    # A worker has the job for 30 seconds (lease) unless it sends a Heartbeat in time;
    # the fence proves that a call comes from this attempt and not from one given up.
    started = queue.StartJob(project=123, spiders=[{"name": "somespider"}])
    key, fence = started.job.key, started.fence
    print("started %s with arg1=%s" % (key, started.job.spider_args["arg1"]))

    queue.Heartbeat(key=key, fence=fence)
    # Values of metadata_json are JSON text, exactly as they were written.
    jobs.SetJobMetadata(key=key, fence=fence, metadata_json={"progress": json.dumps(0.5)})
    print("updated progress=" + jobs.GetJob(key=key).job.metadata_json["progress"])

    update = {"key": key, "fence": fence, "state": "JOB_STATE_FINISHED"}
    done = queue.UpdateQueue(updates=[{**update, "close_reason": "finished"}])
    before = {1: "pending", 2: "running"}[done.results[0].made.previous_state]
    print("finished %s, was %s" % (done.results[0].key, before))

    wanted = {"states": ["JOB_STATE_FINISHED"], "has_tags": ["sometag"]}
    for row in queue.ListQueue(project=123, filter=wanted, limit=1):
        print("listed", row.job.key, {3: "finished"}[row.job.state])

    job = jobs.GetJob(key=key).job
    print(
        "metadata close_reason=%s progress=%s"
        % (job.close_reason, job.metadata_json["progress"])
    )

    print("deleted", jobs.DeleteJobs(filter={"keys": [key]}).count)
