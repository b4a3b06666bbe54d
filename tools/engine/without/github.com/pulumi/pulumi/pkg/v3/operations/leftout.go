package operations

import (
	"context"
	"time"

	"tegak/tools/engine/leftout"
)

type LogEntry struct {
	ID        string
	Timestamp int64
	Message   string
}

type ResourceFilter string

type LogQuery struct {
	StartTime, EndTime *time.Time
	ResourceFilter     *ResourceFilter
}

type Resource struct{}

func NewResourceTree(any) *Resource { return nil }

func (resource *Resource) OperationsProvider(any) *Resource { return resource }

func (*Resource) GetLogs(context.Context, LogQuery) (*[]LogEntry, error) {
	return nil, leftout.Error("reading a resource's logs")
}
