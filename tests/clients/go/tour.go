// A tour of the gRPC API from Go: errors with details, and changes by filter. Needs the code that
// protoc-gen-go and protoc-gen-go-grpc make of the folder proto/. run.sh generates it with Debian's
// packages and runs this:
//
//	SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... ./run.sh
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	spiderqv1 "spiderq/v1"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	address := strings.TrimPrefix(os.Getenv("SPIDERQ_URL"), "http://")
	connection, err := grpc.Dial(address, grpc.WithInsecure())
	must(err)
	defer connection.Close()
	jobs := spiderqv1.NewJobServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+os.Getenv("SPIDERQ_KEY"))

	spider := &spiderqv1.SpiderRef{Spider: &spiderqv1.SpiderRef_Name{Name: "somespider"}}
	schedule := &spiderqv1.ScheduleJobRequest{
		Project: 123,
		Job: &spiderqv1.NewJob{
			Spider:     spider,
			Tags:       []string{"sometag"},
			SpiderArgs: map[string]string{"arg1": "val1"},
		},
	}
	scheduled, err := jobs.ScheduleJob(ctx, schedule)
	must(err)
	key := scheduled.GetJob().GetKey()
	fmt.Println("scheduled", key)

	// The same once more while it is active: the details say why it is refused.
	_, err = jobs.ScheduleJob(ctx, schedule)
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			fmt.Println("refused", info.GetReason(), "of", info.GetMetadata()["key"])
		}
	}

	// All jobs that match, first without doing it. Until NextPageToken is empty, there are more.
	stop := &spiderqv1.StopJobsRequest{
		Project:      123,
		Filter:       &spiderqv1.JobFilter{Spiders: []*spiderqv1.SpiderRef{spider}, HasTags: []string{"sometag"}},
		ValidateOnly: true,
	}
	counted, err := jobs.StopJobs(ctx, stop)
	must(err)
	fmt.Println("would stop", counted.GetCount())
	stop.ValidateOnly = false
	stopped, err := jobs.StopJobs(ctx, stop)
	must(err)
	fmt.Println("stopped", stopped.GetCount())

	got, err := jobs.GetJob(ctx, &spiderqv1.GetJobRequest{Key: key})
	must(err)
	fmt.Printf("finished %s, %s\n", got.GetJob().GetKey(), got.GetJob().GetCloseReason())
}
