// Fixed-rate sends one request every 1/rate seconds, whatever the replies do, and measures each from
// the moment it was meant to leave. A closed-loop generator sends less while the server stalls, and so
// leaves out the requests that would have waited longest.
//
// One thread, raw epoll, requests formatted once, so that it disturbs the origin
// on the same core little.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

type connection struct {
	fd       int
	intended int64 // when the request in flight was meant to leave; ns since start
	buffer   []byte
	used     int
	missing  int // body bytes still to come; -1 while in the head
}

type result struct {
	Sent      int     `json:"sent"`
	Completed int     `json:"completed"`
	Errors    int     `json:"errors"`
	Rate      float64 `json:"rate"`
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	P999      float64 `json:"p999"`
	Max       float64 `json:"max"`
	// How late requests left although a connection was free: the generator's own share of the latency.
	OwnP99 float64 `json:"ownP99"`
}

const (
	sysEpollPwait2   = 441
	prSetTimerSlack  = 29
	oneMicrosecondNs = 1000
)

func main() {
	port := flag.Int("port", 0, "loopback port")
	rate := flag.Float64("rate", 1000, "requests a second")
	seconds := flag.Float64("seconds", 2, "how long is measured")
	warmup := flag.Float64("warmup", 0.5, "seconds before that which are not measured")
	connections := flag.Int("connections", 64, "keep-alive connections")
	head := flag.String("request", "", "file with the request's bytes")
	flag.Parse()
	request, err := os.ReadFile(*head)
	check(err)
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	// The kernel may wake a sleeper 50 µs late unless told otherwise.
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerSlack, oneMicrosecondNs, 0)
	out, err := json.Marshal(run(*port, *rate, *warmup, *seconds, *connections, request))
	check(err)
	fmt.Println(string(out))
}

func run(port int, rate, warmup, seconds float64, count int, request []byte) result {
	epoll, err := syscall.EpollCreate1(0)
	check(err)
	free := make([]*connection, 0, count)
	byFd := map[int32]*connection{}
	for range count {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		check(err)
		check(syscall.Connect(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
		check(syscall.SetNonblock(fd, true))
		check(syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
		check(syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}))
		each := &connection{fd: fd, buffer: make([]byte, 1<<16), missing: -1}
		byFd[int32(fd)] = each
		free = append(free, each)
	}

	total := int((warmup + seconds) * rate)
	skipped := int(warmup * rate)
	interval := 1e9 / rate
	latencies := make([]int64, 0, total)
	lags := make([]int64, 0, total)
	events := make([]syscall.EpollEvent, count)
	var outcome result
	next, finished := 0, 0
	waited := false // whether the next request found no free connection
	start := time.Now()
	deadline := int64((warmup + seconds + 10) * 1e9)
	for finished < total {
		now := int64(time.Since(start))
		if now > deadline {
			break
		}
		for next < total && len(free) > 0 {
			intended := int64(float64(next) * interval)
			if intended > now {
				break
			}
			each := free[len(free)-1]
			free = free[:len(free)-1]
			each.intended = intended
			if next >= skipped && !waited {
				lags = append(lags, now-intended)
			}
			waited = false
			n, err := syscall.Write(each.fd, request)
			if err != nil || n != len(request) {
				fail("a connection broke while sending: %v", err)
			}
			next++
			now = int64(time.Since(start))
		}
		timeout := int64(1e8)
		if next < total && len(free) > 0 {
			timeout = max(0, int64(float64(next)*interval)-now)
		} else if next < total {
			waited = true
		}
		for _, event := range events[:wait(epoll, events, timeout)] {
			each := byFd[event.Fd]
			done, good := each.read()
			if !done {
				continue
			}
			finished++
			if !good {
				outcome.Errors++
			}
			if each.intended >= int64(float64(skipped)*interval) {
				latencies = append(latencies, int64(time.Since(start))-each.intended)
			}
			free = append(free, each)
		}
	}
	outcome.Sent = next
	outcome.Completed = finished
	outcome.Errors += next - finished
	outcome.Rate = float64(finished) / time.Since(start).Seconds()
	slices.Sort(latencies)
	slices.Sort(lags)
	outcome.P50 = milliseconds(latencies, 0.5)
	outcome.P99 = milliseconds(latencies, 0.99)
	outcome.P999 = milliseconds(latencies, 0.999)
	outcome.Max = milliseconds(latencies, 1)
	outcome.OwnP99 = milliseconds(lags, 0.99)
	return outcome
}

// read takes what has arrived: whether the reply is complete, and whether it was a 200.
func (c *connection) read() (done, good bool) {
	for {
		n, err := syscall.Read(c.fd, c.buffer[c.used:])
		if err == syscall.EAGAIN {
			return false, false
		}
		if err != nil || n <= 0 {
			fail("a connection was closed: %v", err)
		}
		if c.missing < 0 {
			c.used += n
			end := bytes.Index(c.buffer[:c.used], []byte("\r\n\r\n"))
			if end < 0 {
				continue
			}
			c.missing = contentLength(c.buffer[:end+2]) - (c.used - end - 4)
		} else {
			c.missing -= n
		}
		if c.missing > 0 {
			continue
		}
		good = bytes.HasPrefix(c.buffer, []byte("HTTP/1.1 200"))
		c.used, c.missing = 0, -1
		return true, good
	}
}

func contentLength(head []byte) int {
	name := []byte("content-length:")
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], name) {
			length, err := strconv.Atoi(string(bytes.TrimSpace(line[len(name):])))
			check(err)
			return length
		}
	}
	fail("a reply without Content-Length: %q", head)
	return 0
}

// wait sleeps to the nanosecond; epoll_wait counts in milliseconds.
func wait(epoll int, events []syscall.EpollEvent, nanoseconds int64) int {
	limit := syscall.NsecToTimespec(nanoseconds)
	n, _, errno := syscall.RawSyscall6(sysEpollPwait2, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(unsafe.Pointer(&limit)), 0, 0)
	if errno == syscall.EINTR {
		return 0
	}
	if errno != 0 {
		fail("epoll_pwait2: %v", errno)
	}
	return int(n)
}

func milliseconds(sorted []int64, quantile float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := min(len(sorted)-1, int(quantile*float64(len(sorted))))
	return float64(sorted[at]) / 1e6
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
