// Command tunnels is the load on proxies that tunnel, and the target behind them.
//
// As the target (-serve) it takes connections whose first byte says what they are for: D sends without end, U reads
// without end, E sends back what comes. As the load it opens tunnels by CONNECT, by SOCKS5 or plainly, does its work
// in them, and prints what was done as one line of JSON.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const piece = 256 << 10

var (
	serve       = flag.Int("serve", 0, "be the target on this port of loopback")
	secure      = flag.Int("serve-tls", 0, "with -serve: HTTPS on this port beside it")
	certificate = flag.String("cert", "", "with -serve-tls: PEM file")
	key         = flag.String("key", "", "with -serve-tls: PEM file")
	proxy       = flag.Int("proxy", 0, "port of the proxy")
	target      = flag.Int("target", 0, "port of the target")
	host        = flag.String("host", "127.0.0.1", "name of the target")
	via         = flag.String("via", "connect", "connect, socks5 or plain")
	work        = flag.String("work", "down", "down, up, open, hold or https")
	connections = flag.Int("connections", 4, "how many at a time")
	seconds     = flag.Float64("seconds", 1, "for how long")
	limit       = flag.Int64("bytes", 0, "with down: this many in all, however long it takes")
)

type result struct {
	Count        int64   `json:"count"`
	Bytes        int64   `json:"bytes"`
	Microseconds float64 `json:"microseconds"`
	Errors       int64   `json:"errors"`
}

func main() {
	flag.Parse()
	if *serve != 0 {
		be()
		return
	}
	works := map[string]func(deadline time.Time, total *result){
		"down": down, "up": up, "open": open, "https": ask,
	}
	if *work == "hold" {
		hold()
		return
	}
	total := &result{}
	began := time.Now()
	deadline := began.Add(time.Duration(*seconds * float64(time.Second)))
	var running sync.WaitGroup
	for range *connections {
		running.Go(func() { works[*work](deadline, total) })
	}
	running.Wait()
	total.Microseconds = float64(time.Since(began).Microseconds())
	if err := json.NewEncoder(os.Stdout).Encode(total); err != nil {
		log.Fatal(err)
	}
}

// down reads what the target sends.
func down(deadline time.Time, total *result) {
	conn, err := tunnel()
	if err != nil {
		fail(total, err)
		return
	}
	defer conn.Close()
	conn.Write([]byte("D"))
	if *limit == 0 {
		conn.SetReadDeadline(deadline)
	}
	buffer := make([]byte, piece)
	for *limit == 0 || atomic.LoadInt64(&total.Bytes) < *limit {
		n, err := conn.Read(buffer)
		atomic.AddInt64(&total.Bytes, int64(n))
		if err != nil {
			if nerr, ok := err.(net.Error); !ok || !nerr.Timeout() {
				fail(total, err)
			}
			return
		}
	}
}

// up sends to the target.
func up(deadline time.Time, total *result) {
	conn, err := tunnel()
	if err != nil {
		fail(total, err)
		return
	}
	defer conn.Close()
	conn.Write([]byte("U"))
	conn.SetWriteDeadline(deadline)
	buffer := make([]byte, piece)
	for {
		n, err := conn.Write(buffer)
		atomic.AddInt64(&total.Bytes, int64(n))
		if err != nil {
			if nerr, ok := err.(net.Error); !ok || !nerr.Timeout() {
				fail(total, err)
			}
			return
		}
	}
}

// open opens a tunnel, has a hundred bytes come back, closes it, and begins again.
func open(deadline time.Time, total *result) {
	question := make([]byte, 101)
	question[0] = 'E'
	answer := make([]byte, 100)
	for time.Now().Before(deadline) {
		conn, err := tunnel()
		if err != nil {
			fail(total, err)
			return
		}
		conn.Write(question)
		if _, err := io.ReadFull(conn, answer); err != nil {
			fail(total, err)
		} else {
			atomic.AddInt64(&total.Count, 1)
		}
		conn.Close()
	}
}

// ask sends small GETs one after the other on TLS in a tunnel.
func ask(deadline time.Time, total *result) {
	conn, err := tunnel()
	if err != nil {
		fail(total, err)
		return
	}
	defer conn.Close()
	client := tls.Client(conn, &tls.Config{ServerName: *host, InsecureSkipVerify: true})
	reader := bufio.NewReader(client)
	question := fmt.Appendf(nil, "GET /small HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", *host, *target)
	for time.Now().Before(deadline) {
		if _, err := client.Write(question); err != nil {
			fail(total, err)
			return
		}
		reply, err := http.ReadResponse(reader, nil)
		if err != nil {
			fail(total, err)
			return
		}
		n, err := io.Copy(io.Discard, reply.Body)
		if err != nil || reply.StatusCode != 200 || n != 100 {
			fail(total, fmt.Errorf("status %d, %d bytes, %v", reply.StatusCode, n, err))
			return
		}
		atomic.AddInt64(&total.Count, 1)
	}
}

// hold opens tunnels, each proved by bytes that come back, says so, and holds them until its input ends.
func hold() {
	left := int64(*connections)
	var opening sync.WaitGroup
	var mutex sync.Mutex
	held := make([]net.Conn, 0, *connections)
	for range 50 {
		opening.Go(func() {
			for atomic.AddInt64(&left, -1) >= 0 {
				conn, err := tunnel()
				if err != nil {
					log.Fatal(err)
				}
				conn.Write([]byte("E!"))
				if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
					log.Fatal(err)
				}
				mutex.Lock()
				held = append(held, conn)
				mutex.Unlock()
			}
		})
	}
	opening.Wait()
	fmt.Println("held")
	io.Copy(io.Discard, os.Stdin)
	for _, conn := range held {
		conn.Close()
	}
}

var shown atomic.Bool

func fail(total *result, err error) {
	atomic.AddInt64(&total.Errors, 1)
	if shown.CompareAndSwap(false, true) {
		log.Print(err)
	}
}

// tunnel connects to the target through the proxy.
func tunnel() (net.Conn, error) {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", *proxy))
	if err != nil {
		return nil, err
	}
	switch *via {
	case "connect":
		err = connect(conn)
	case "socks5":
		err = socks5(conn)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func connect(conn net.Conn) error {
	if _, err := fmt.Fprintf(conn, "CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n", *host, *target, *host, *target); err != nil {
		return err
	}
	// One byte at a time, so that nothing behind the head is read.
	head := make([]byte, 0, 512)
	for len(head) < 4 || string(head[len(head)-4:]) != "\r\n\r\n" {
		if len(head) == cap(head) {
			return fmt.Errorf("the head is too long: %q", head)
		}
		if _, err := conn.Read(head[len(head) : len(head)+1]); err != nil {
			return err
		}
		head = head[:len(head)+1]
	}
	if len(head) < 12 || string(head[9:12]) != "200" {
		return fmt.Errorf("CONNECT was answered %q", head)
	}
	return nil
}

func socks5(conn net.Conn) error {
	if _, err := conn.Write([]byte{5, 1, 0}); err != nil {
		return err
	}
	answer := make([]byte, 10)
	if _, err := io.ReadFull(conn, answer[:2]); err != nil {
		return err
	}
	request := binary.BigEndian.AppendUint16([]byte{5, 1, 0, 1, 127, 0, 0, 1}, uint16(*target))
	if _, err := conn.Write(request); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if answer[1] != 0 {
		return fmt.Errorf("SOCKS5 answered %d", answer[1])
	}
	return nil
}

func be() {
	if *secure != 0 {
		body := make([]byte, 100)
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) })
		go func() {
			log.Fatal(http.ListenAndServeTLS(fmt.Sprintf("127.0.0.1:%d", *secure), *certificate, *key, handler))
		}()
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *serve))
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go handle(conn)
	}
}

func handle(conn net.Conn) {
	defer conn.Close()
	kind := make([]byte, 1)
	if _, err := io.ReadFull(conn, kind); err != nil {
		return
	}
	switch kind[0] {
	case 'D':
		buffer := make([]byte, piece)
		for {
			if _, err := conn.Write(buffer); err != nil {
				return
			}
		}
	case 'U':
		buffer := make([]byte, piece)
		for {
			if _, err := conn.Read(buffer); err != nil {
				return
			}
		}
	case 'E':
		// Held by the thousand: no more memory than it takes.
		buffer := make([]byte, 128)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			if _, err := conn.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
}
