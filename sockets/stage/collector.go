package stage

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapLimit is how much memory the control thread lets grow before it collects.
const heapLimit = 8 << 20

// ownCollector keeps the garbage collector from starting by itself. It starts on
// the thread that allocates, and would make that thread look at the runtime's
// epoll: strace -p would show an epoll_pwait that no server made.
func ownCollector() { debug.SetGCPercent(-1) }

// collectGarbage collects, on this thread, when there is something to collect.
func collectGarbage() {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	if metrics.Read(heap); heap[0].Value.Uint64() > heapLimit {
		runtime.GC()
	}
}
