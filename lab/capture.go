package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// Capture writes what is on the links of a lab, one pcapng file a link.
//
// A packet is seen where it leaves or reaches the end's interface, both ways. Ends have segmentation and checksum
// offload, as most real machines do: captured packets can be larger than the MTU, and a checksum of a packet that leaves
// can be unfinished. Files are complete up to the last second while the capture runs, and to the last packet after Stop.
type Capture struct {
	files []*captureFile
	once  sync.Once
	stats []CaptureStats
	err   error
}

// CaptureStats is what was captured at one end of a link.
type CaptureStats struct {
	Link, Node string
	File       string
	Packets    uint64 // written
	Dropped    uint64 // by the kernel, because the capture did not keep up
}

// captureFile is one file; its taps share the writer.
type captureFile struct {
	link string
	path string
	file *os.File
	taps []*tap

	mu      sync.Mutex
	w       *pcapgo.NgWriter
	flushed time.Time
	err     error // the first of a write
}

// flushEvery is how much of a capture a crash may lose.
const flushEvery = time.Second

// Capture starts a capture of these links, of all when none is named, into dir/LINK.pcapng; dir is made. It is taken at the
// first end of the link; a link with a box is taken at both ends, as two interfaces of one file, so that what the box did
// shows. Lab.Close stops it.
func (l *Lab) Capture(dir string, links ...string) (*Capture, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	for _, name := range links {
		if !slices.ContainsFunc(l.Topology.Links, func(s LinkSpec) bool { return s.Name == name }) {
			return nil, fmt.Errorf("capture: there is no link %q", name)
		}
	}
	c := &Capture{}
	for _, spec := range l.Topology.Links {
		if len(links) > 0 && !slices.Contains(links, spec.Name) {
			continue
		}
		f, err := l.startCapture(filepath.Join(dir, spec.Name+".pcapng"), spec)
		if err != nil {
			_, stopErr := c.Stop()
			return nil, errors.Join(fmt.Errorf("capture link %s: %w", spec.Name, err), stopErr)
		}
		c.files = append(c.files, f)
	}
	l.mu.Lock()
	l.captures = append(l.captures, c)
	l.mu.Unlock()
	return c, nil
}

func (l *Lab) startCapture(path string, spec LinkSpec) (_ *captureFile, err error) {
	f := &captureFile{link: spec.Name, path: path, flushed: time.Now()}
	if f.file, err = os.Create(path); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.stop()
		}
	}()
	ends := spec.Ends[:1]
	if spec.Box != "" {
		ends = spec.Ends
	}
	for i, end := range ends {
		if err := f.addInterface(spec, end); err != nil {
			return nil, err
		}
		t, err := l.hosts[end.Node].openTap(spec.Name)
		if err != nil {
			return nil, err
		}
		f.taps = append(f.taps, t)
		go t.run(func(at time.Time, data []byte, length int) { f.write(i, at, data, length) }, f.flush)
	}
	return f, nil
}

// addInterface adds the description of an end to the file, which begins with the first one.
func (f *captureFile) addInterface(spec LinkSpec, end EndSpec) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	about := pcapgo.NgInterface{
		Name:       end.Node + "/" + spec.Name,
		Comment:    fmt.Sprintf("link %s at %s; packets may be larger than the MTU", spec.Name, end.Node),
		OS:         "linux",
		LinkType:   layers.LinkTypeEthernet,
		SnapLength: snapLength,
	}
	if f.w == nil {
		options := pcapgo.DefaultNgWriterOptions
		options.SectionInfo.Application = "dpilab"
		f.w, err = pcapgo.NewNgWriterInterface(f.file, about, options)
	} else {
		_, err = f.w.AddInterface(about)
	}
	if err == nil {
		err = f.w.Flush()
	}
	return err
}

func (f *captureFile) write(index int, at time.Time, data []byte, length int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return
	}
	f.err = f.w.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(data), Length: length, InterfaceIndex: index}, data)
	if f.err == nil && time.Since(f.flushed) >= flushEvery {
		f.flushLocked()
	}
}

func (f *captureFile) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flushLocked()
}

func (f *captureFile) flushLocked() {
	f.flushed = time.Now()
	if f.err == nil && f.w != nil {
		f.err = f.w.Flush()
	}
}

// stop ends the taps and finishes the file.
func (f *captureFile) stop() ([]CaptureStats, error) {
	var all []CaptureStats
	errs := []error{}
	for i, t := range f.taps {
		dropped, err := t.stop()
		errs = append(errs, err)
		all = append(all, CaptureStats{Link: f.link, Node: t.node, File: f.path, Packets: t.packets, Dropped: dropped})
		f.mu.Lock()
		if f.err == nil {
			f.err = f.w.WriteInterfaceStats(i, pcapgo.NgInterfaceStatistics{
				LastUpdate: time.Now(), PacketsReceived: t.packets + dropped, PacketsDropped: dropped,
			})
		}
		f.mu.Unlock()
	}
	f.flush()
	errs = append(errs, f.err, f.file.Close())
	return all, errors.Join(errs...)
}

// Stop ends the capture and says what each file holds, in the order of the topology's links. Calling it again gives the
// same answer.
func (c *Capture) Stop() ([]CaptureStats, error) {
	c.once.Do(func() {
		var errs []error
		for _, f := range c.files {
			stats, err := f.stop()
			c.stats = append(c.stats, stats...)
			if err != nil {
				errs = append(errs, fmt.Errorf("capture link %s: %w", f.link, err))
			}
		}
		c.err = errors.Join(errs...)
	})
	return c.stats, c.err
}
