package boltfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
)

// The pages of a file as the library writes them. They are read here without mapping or trusting them:
//
//	page      id u64 | flags u16 | count u16 | further pages u32 | contents
//	head      magic u32 | version u32 | page size u32 | flags u32 | root u64, sequence u64 | free list u64 | pages u64 |
//	          transaction u64 | FNV-1a of these u64; pages 0 and 1, of the last two commits
//	branch    per child: position u32 | key size u32 | page u64
//	leaf      per entry: flags u32 | position u32 | key size u32 | value size u32
//	bucket    as a value: root u64, 0 when its only page follows | sequence u64
//
// Numbers are in the machine's byte order; positions count from their entry.
const (
	pageHeader  = 16
	headSize    = 64
	magic       = 0xED0CDAED
	fileVersion = 2
	noFreeList  = 1<<64 - 1

	branchPage, leafPage, headPage, freePage = 0x01, 0x02, 0x04, 0x10
	bucketEntry                              = 0x01
)

var order = binary.NativeEndian

// head is a first page, which refers to all others.
type head struct {
	pageSize                        int64
	root, freeList, pages, sequence uint64
}

func readHead(b []byte) (head, bool) {
	if len(b) < pageHeader+headSize {
		return head{}, false
	}
	b = b[pageHeader : pageHeader+headSize]
	sum := fnv.New64a()
	sum.Write(b[:headSize-8])
	if order.Uint32(b) != magic || order.Uint32(b[4:]) != fileVersion || order.Uint64(b[headSize-8:]) != sum.Sum64() {
		return head{}, false
	}
	return head{
		pageSize: int64(order.Uint32(b[8:])), root: order.Uint64(b[16:]), freeList: order.Uint64(b[32:]), pages: order.Uint64(b[40:]),
		sequence: order.Uint64(b[48:]),
	}, true
}

// MaxFindings is the most problems that are reported of one file.
const MaxFindings = 100

// Pages reads the pages of one state of a file.
type Pages struct {
	r    io.ReaderAt
	head head
	// spoiled names a first page that can't be read, if the other one can.
	spoiled string
	used    bits
	found   []string
	// bodies means that all of a page is read, including values that no check needs.
	bodies bool
	failed error
	// page, long, first and cells are reused for each page.
	page, long, first []byte
	cells             []cell
}

// buffer returns a buffer of the size of a page, and makes it if it is nil.
func (p *Pages) buffer(b *[]byte) []byte {
	if *b == nil {
		*b = make([]byte, p.head.pageSize)
	}
	return *b
}

// bits is a set of pages.
type bits []uint64

func newBits(n uint64) bits       { return make(bits, n/64+1) }
func (b bits) has(id uint64) bool { return b[id/64]&(1<<(id%64)) != 0 }
func (b bits) add(id uint64)      { b[id/64] |= 1 << (id % 64) }

// OpenPages finds the valid head with the latest transaction, as the library does.
func OpenPages(r io.ReaderAt) (*Pages, error) {
	p := &Pages{r: r}
	buf := make([]byte, pageHeader+headSize)
	read := func(at int64) (head, bool) {
		if _, err := r.ReadAt(buf, at); err != nil && !errors.Is(err, io.EOF) {
			p.failed = err
			return head{}, false
		}
		return readHead(buf)
	}
	first, ok := read(0)
	size := first.pageSize
	if !ok {
		for size = 1 << 10; size <= 16<<20; size *= 2 {
			if h, ok := read(size); ok && h.pageSize == size {
				break
			}
		}
	}
	clear(buf)
	second, also := read(size)
	also = also && second.pageSize == size
	switch {
	case !ok && !also && p.failed != nil:
		return nil, p.failed
	case !ok && !also:
		return nil, errors.New("it doesn't begin like a database")
	case !ok:
		p.spoiled = "page 0"
	case !also:
		p.spoiled = "page 1"
	}
	if p.head = first; !ok || also && second.sequence > first.sequence {
		p.head = second
	}
	p.failed = nil
	if p.head.pageSize < 1<<10 || p.head.pageSize > 16<<20 || p.head.pageSize&(p.head.pageSize-1) != 0 || p.head.pages > 1<<38 {
		return nil, errors.New("its first page has impossible values")
	}
	return p, nil
}

// Extent returns the number of pages, and their size in bytes.
func (p *Pages) Extent() (count, size int64) { return int64(p.head.pages), p.head.pageSize }

func (p *Pages) report(format string, args ...any) {
	if len(p.found) < MaxFindings {
		p.found = append(p.found, fmt.Sprintf(format, args...))
	}
}

func (p *Pages) unexpected(id uint64) { p.report("page %d is not what is expected there", id) }

// exists reports whether a page that is referred to can exist.
func (p *Pages) exists(id uint64) bool {
	ok := id >= 2 && id < p.head.pages
	if !ok {
		p.report("page %d is referred to, but the file has %d", id, p.head.pages)
	}
	return ok
}

// complete reports whether the file is as long as its head says.
func (p *Pages) complete() bool {
	var one [1]byte
	if n, err := p.r.ReadAt(one[:], int64(p.head.pages)*p.head.pageSize-1); n != 1 {
		p.report("the file ends before its last page (of %d pages): %v", p.head.pages, err)
		return false
	}
	return true
}

// read returns a whole page, which is valid until the next call. It reports a page that is invalid or not of these kinds.
func (p *Pages) read(id uint64, kinds uint16) ([]byte, bool) {
	if !p.exists(id) {
		return nil, false
	}
	b := p.buffer(&p.page)
	at := int64(id) * p.head.pageSize
	if _, err := p.r.ReadAt(b, at); err != nil {
		p.report("page %d can't be read: %v", id, err)
		return nil, false
	}
	flags, more := order.Uint16(b[8:]), uint64(order.Uint32(b[12:]))
	if order.Uint64(b) != id || flags&kinds != flags || flags == 0 || flags&(flags-1) != 0 || id+more >= p.head.pages {
		p.unexpected(id)
		return nil, false
	}
	for i := id; i <= id+more; i++ {
		if p.used.has(i) {
			p.report("page %d is used twice", i)
			return nil, false
		}
		p.used.add(i)
	}
	if more > 0 {
		p.long = slices.Grow(p.long[:0], int((int64(more)+1)*p.head.pageSize))
		all, n := p.long[:(int64(more)+1)*p.head.pageSize], pageHeader+int64(order.Uint16(b[10:]))*16
		if p.bodies || flags == freePage {
			n = int64(len(all))
		}
		if _, err := p.r.ReadAt(all[:min(max(n, p.head.pageSize), int64(len(all)))], at); err != nil {
			p.report("page %d can't be read: %v", id, err)
			return nil, false
		}
		b = all
	}
	return b, true
}

// fetch reads a part of a long page that read left out.
func (p *Pages) fetch(id uint64, b []byte, from, to uint64) bool {
	if p.bodies || int64(len(b)) <= p.head.pageSize || int64(to) <= p.head.pageSize {
		return true
	}
	_, err := p.r.ReadAt(b[from:to], int64(id)*p.head.pageSize+int64(from))
	if err != nil {
		p.report("page %d can't be read: %v", id, err)
	}
	return err == nil
}

// cell is one key of a branch or leaf page.
type cell struct {
	key, value []byte
	child      uint64
	bucket     bool
}

// entries returns the entries of a branch or leaf page, valid until the next call, or reports what is wrong with the page.
func (p *Pages) entries(id uint64, b []byte) []cell {
	n, leaf := int(order.Uint16(b[10:])), order.Uint16(b[8:]) == leafPage
	if pageHeader+n*16 > len(b) || n == 0 && !leaf {
		p.report("page %d holds %d entries", id, n)
		return nil
	}
	out := p.cells[:0]
	defer func() { p.cells = out[:0] }()
	for i := range n {
		at := pageHeader + i*16
		e, raw := cell{}, b[at:]
		pos, keySize, valueSize := uint64(order.Uint32(raw)), uint64(order.Uint32(raw[4:])), uint64(0)
		if leaf {
			e.bucket = order.Uint32(raw)&bucketEntry != 0
			pos, keySize, valueSize = keySize, uint64(order.Uint32(raw[8:])), uint64(order.Uint32(raw[12:]))
		} else {
			e.child = order.Uint64(raw[8:])
		}
		if pos+keySize+valueSize > uint64(len(raw)) {
			p.report("page %d: entry %d reaches beyond its page", id, i)
			return nil
		}
		if end := uint64(at) + pos + keySize; !p.fetch(id, b, uint64(at)+pos, end) || e.bucket && !p.fetch(id, b, end, end+valueSize) {
			return nil
		}
		e.key, e.value = raw[pos:pos+keySize], raw[pos+keySize:pos+keySize+valueSize]
		if i > 0 && bytes.Compare(out[i-1].key, e.key) >= 0 {
			p.report("page %d: entry %d is out of order", id, i)
			return nil
		}
		out = append(out, e)
	}
	return out
}

// everything as a number of levels has every page read.
const everything = 1 << 10

// node is a page to visit: levels is the number of levels of buckets within it, height its height above the leaves of its bucket, -1 if
// unknown.
type node struct {
	id             uint64
	levels, height int
	top            bool
}

// tree visits the pages of a bucket and of the buckets within it. Of buckets without others it reads only the branches: they are few,
// and a wrong reference among them could lead a reader into a loop.
func (p *Pages) tree(ctx context.Context, root node, within func(bucket string) int) {
	stack := []node{root}
	var leaves []uint64
	for len(stack) > 0 && len(p.found) < MaxFindings && ctx.Err() == nil {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n.levels == 0 && n.height == 0 {
			leaves = append(leaves, n.id)
			continue
		}
		b, ok := p.read(n.id, branchPage|leafPage)
		if !ok {
			continue
		}
		if n.levels == 0 && n.height < 0 {
			if n.height = p.height(n.id, b); n.height < 0 {
				continue
			}
		}
		if n.levels == 0 && n.height == 0 {
			continue
		}
		for _, e := range p.entries(n.id, b) {
			switch {
			case order.Uint16(b[8:]) == branchPage:
				stack = append(stack, node{e.child, n.levels, max(n.height-1, -1), n.top})
			case e.bucket && len(e.value) < 16:
				p.report("page %d: the bucket %q is cut short", n.id, e.key)
			case e.bucket && order.Uint64(e.value) == 0:
				p.inline(n.id, e)
			case e.bucket:
				levels := n.levels - 1
				if n.top && n.levels != everything {
					levels = within(string(e.key))
				}
				stack = append(stack, node{order.Uint64(e.value), levels, -1, false})
			}
		}
	}
	for _, id := range leaves {
		if id < 2 || id >= p.head.pages || p.used.has(id) {
			p.report("page %d is referred to, but it doesn't exist or is already in use", id)
			return
		}
		p.used.add(id)
	}
}

// height follows the first child down to the leaves, which are all equally deep.
func (p *Pages) height(id uint64, b []byte) int {
	for height := 0; height < 64; height++ {
		if order.Uint16(b[8:]) == leafPage {
			return height
		}
		all := p.entries(id, b)
		if len(all) == 0 {
			return -1
		}
		if id = all[0].child; !p.exists(id) {
			return -1
		}
		b = p.buffer(&p.first)
		_, err := p.r.ReadAt(b, int64(id)*p.head.pageSize)
		if kind := order.Uint16(b[8:]); err != nil || order.Uint64(b) != id || kind != leafPage && kind != branchPage {
			p.unexpected(id)
			return -1
		}
	}
	p.report("page %d is part of a loop", id)
	return -1
}

// inline looks at the only page of a small bucket, which is in its value.
func (p *Pages) inline(id uint64, e cell) {
	b := e.value[16:]
	if len(b) < pageHeader || order.Uint16(b[8:]) != leafPage {
		p.report("page %d: the bucket %q is not what is expected there", id, e.key)
		return
	}
	outer := p.cells
	p.cells = nil // the outer page's are in use
	p.entries(id, b)
	p.cells = outer
}

// free reads the list of free pages.
func (p *Pages) free() bits {
	free := newBits(p.head.pages)
	if p.head.freeList == noFreeList {
		return free
	}
	b, ok := p.read(p.head.freeList, freePage)
	if !ok {
		return free
	}
	n, at := uint64(order.Uint16(b[10:])), uint64(pageHeader)
	if n == 0xFFFF {
		n, at = order.Uint64(b[at:]), at+8
	}
	if n > (uint64(len(b))-at)/8 {
		p.report("the list of free pages holds %d", n)
		return free
	}
	last := uint64(1)
	for i := range n {
		id := order.Uint64(b[at+i*8:])
		if id <= last || id >= p.head.pages {
			p.report("the list of free pages names page %d after page %d, of %d", id, last, p.head.pages)
			return free
		}
		if last = id; p.used.has(id) {
			p.report("page %d is in use and free", id)
		}
		free.add(id)
	}
	return free
}

// verify reads the pages that refer to others, and returns what is wrong.
func (p *Pages) verify(within func(bucket string) int) []string {
	if p.found = nil; p.complete() {
		p.used = newBits(p.head.pages)
		levels := 3
		if within == nil {
			levels = everything
		}
		p.tree(context.Background(), node{p.head.root, levels, -1, true}, within)
		p.free()
	}
	return p.found
}

// Check reads every page and returns what is wrong.
func (p *Pages) Check(ctx context.Context) []string {
	p.bodies = true
	if p.found = nil; p.spoiled != "" {
		p.report("%s, one of the two first pages, can't be read: the last commit may be missing", p.spoiled)
	}
	if !p.complete() {
		return p.found
	}
	p.used = newBits(p.head.pages)
	p.tree(ctx, node{p.head.root, everything, -1, true}, nil)
	if ctx.Err() != nil {
		return p.found
	}
	free := p.free()
	for id := uint64(2); id < p.head.pages && len(p.found) < MaxFindings; id++ {
		if !p.used.has(id) && !free.has(id) {
			p.report("page %d is neither in use nor free", id)
		}
	}
	return p.found
}
