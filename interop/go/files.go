package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	filesTopic    = "universal-connectivity-file"
	filesProtocol = "/universal-connectivity-file/1"

	largestFile   = 64 << 20
	mostShared    = 256 << 20 // bytes of all files together
	longestFileID = 1 << 10
	fetchesAtOnce = 16
	offersWaiting = 256
	answerTime    = 10 * time.Second // js-libp2p leaves who asks for an ID that it does not know without an answer
	transferTime  = 60 * time.Second
)

// offered is a file that somebody has, or says to have.
type offered struct {
	peer peer.ID
	id   string
}

// files gives what is shared here, and fetches whatever is offered.
type files struct {
	*room
	topic  *pubsub.Topic
	offers chan offered
	mutex  sync.Mutex
	shared map[string][]byte
	size   int
}

func newFiles(ctx context.Context, r *room) (*files, error) {
	f := &files{room: r, offers: make(chan offered, offersWaiting), shared: map[string][]byte{}}
	r.host.SetStreamHandler(filesProtocol, f.serve)
	topic, heard, err := r.join(filesTopic)
	if err != nil {
		return nil, err
	}
	f.topic = topic
	for range fetchesAtOnce {
		go func() {
			for one := range f.offers {
				f.get(ctx, one)
			}
		}()
	}
	go r.hear(ctx, heard, func(from peer.ID, data []byte) { f.want(offered{from, string(data)}) })
	return f, nil
}

// want fetches a file when its turn comes.
func (f *files) want(one offered) {
	select {
	case f.offers <- one:
	default:
		f.failed(one, errors.New("too many are waiting"))
	}
}

func (f *files) failed(one offered, err error) {
	f.tell("transfer_failed", values{"peer_id": one.peer, "file_id": one.id, "reason": err.Error()})
}

// share reads a file, keeps it, and offers it.
func (f *files) share(ctx context.Context, path string) error {
	about, err := os.Stat(path)
	if err != nil {
		return err
	}
	if about.Size() > largestFile {
		return fmt.Errorf("%s is too large", path)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	id := uuid.NewString()
	f.mutex.Lock()
	fits := f.size+len(body) <= mostShared
	if fits {
		f.shared[id] = body
		f.size += len(body)
	}
	f.mutex.Unlock()
	if !fits {
		return errors.New("too much is shared already")
	}
	f.tell("file_shared", values{"file_id": id})
	return f.offer(ctx, id)
}

// offer says an ID, whether there is such a file or not.
func (f *files) offer(ctx context.Context, id string) error {
	return f.topic.Publish(ctx, []byte(id))
}

// serve sends the file that is asked for. One that is not known has no bytes.
func (f *files) serve(stream network.Stream) {
	if err := f.send(stream); err != nil {
		_ = stream.Reset()
		f.tell("serving_failed", values{"reason": err.Error()})
	}
}

func (f *files) send(stream network.Stream) error {
	if err := stream.SetDeadline(time.Now().Add(transferTime)); err != nil {
		return err
	}
	id, err := readFramed(bufio.NewReader(stream), longestFileID)
	if err != nil {
		return err
	}
	f.mutex.Lock()
	body := f.shared[string(id)]
	f.mutex.Unlock()
	if _, err := stream.Write(framed(body)); err != nil {
		return err
	}
	return stream.Close()
}

// get fetches a file; of its bytes only the hash is kept.
func (f *files) get(ctx context.Context, one offered) {
	ctx, cancel := context.WithTimeout(ctx, transferTime)
	defer cancel()
	size, sum, err := f.fetch(ctx, one)
	if err != nil {
		f.failed(one, err)
		return
	}
	f.tell("file_received", values{"peer_id": one.peer, "file_id": one.id, "size": size, "sha256": sum})
}

func (f *files) fetch(ctx context.Context, one offered) (int, string, error) {
	if len(one.id) > longestFileID {
		return 0, "", errors.New("its ID is too long")
	}
	stream, err := f.host.NewStream(ctx, one.peer, filesProtocol)
	if err != nil {
		return 0, "", err
	}
	defer stream.Reset() // nothing, once it is closed
	if err := stream.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, "", err
	}
	if _, err := stream.Write(framed([]byte(one.id))); err != nil {
		return 0, "", err
	}
	if err := stream.CloseWrite(); err != nil {
		return 0, "", err
	}
	from := bufio.NewReader(stream)
	size, err := readLength(from, largestFile)
	if err != nil {
		return 0, "", err
	}
	if err := stream.SetDeadline(time.Now().Add(transferTime)); err != nil {
		return 0, "", err
	}
	sum := sha256.New()
	if _, err := io.CopyN(sum, from, int64(size)); err != nil {
		return 0, "", err
	}
	_ = stream.Close() // whole, whatever is still said
	return size, hex.EncodeToString(sum.Sum(nil)), nil
}
