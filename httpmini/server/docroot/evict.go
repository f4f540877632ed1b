package docroot

import "time"

// entryCost is what an Entry takes besides its bytes, about.
const entryCost = 1 << 10

// put keeps an Entry, and lets others go if there are too many. What is not to be
// kept is a directory, a long path, a file that changed while it was read, and one
// whose state does not tell whether it has changed since.
func (c *Cache) put(path []byte, e *Entry) {
	if e.File.IsDir || len(path) > maxKey || !e.File.settled || e.Content == nil && e.File.Size <= maxContent {
		return
	}
	e.key = string(path)
	e.cost = entryCost + len(e.key) + max(len(e.Content), len(e.Answer)) // the one holds the other
	if e.cost > maxBytes {
		return
	}
	e.File.Retain()
	c.mu.Lock()
	var gone []*Entry
	if twin := c.entries[e.key]; twin != nil { // another thread was faster
		gone = append(gone, c.remove(twin))
	}
	for len(c.ring) >= maxEntries || c.bytes+e.cost > maxBytes {
		gone = append(gone, c.remove(c.victim(false)))
	}
	if e.File.FD >= 0 {
		for c.open >= MaxOpen {
			gone = append(gone, c.remove(c.victim(true)))
		}
		c.open++
	}
	c.bytes += e.cost
	e.at = len(c.ring)
	c.ring = append(c.ring, e)
	c.entries[e.key] = e
	c.mu.Unlock()
	closeAll(gone)
}

// victim is the next Entry that was not used since the hand came by the last time
// (the clock algorithm); with a descriptor, if that is what is scarce.
func (c *Cache) victim(open bool) *Entry {
	for {
		c.hand = (c.hand + 1) % len(c.ring)
		e := c.ring[c.hand]
		switch {
		case open && e.File.FD < 0:
		case e.used:
			e.used = false
		default:
			return e
		}
	}
}

// remove takes an Entry out; the caller closes it.
func (c *Cache) remove(e *Entry) *Entry {
	last := c.ring[len(c.ring)-1]
	c.ring[e.at], last.at = last, e.at
	c.ring[len(c.ring)-1] = nil
	c.ring = c.ring[:len(c.ring)-1]
	delete(c.entries, e.key)
	c.bytes -= e.cost
	if e.File.FD >= 0 {
		c.open--
	}
	return e
}

// take takes the Entry of a path out, if there is one; the caller closes it.
func (c *Cache) take(path []byte) *Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[string(path)]; e != nil {
		return c.remove(e)
	}
	return nil
}

// removeAll lets those go that fit, and reports whether there were any.
func (c *Cache) removeAll(fit func(*Entry) bool) bool {
	c.mu.Lock()
	var gone []*Entry
	for i := len(c.ring) - 1; i >= 0; i-- {
		if e := c.ring[i]; fit(e) {
			gone = append(gone, c.remove(e))
		}
	}
	c.mu.Unlock()
	closeAll(gone)
	return len(gone) > 0
}

// closeFiles gives the descriptors back.
func (c *Cache) closeFiles() bool {
	return c.removeAll(func(e *Entry) bool { return e.File.FD >= 0 })
}

// Trim lets go what nobody asked for in the last ten seconds. A file that was
// deleted takes its room on the disk as long as it is open, and its file system
// cannot be unmounted.
func (c *Cache) Trim(now time.Duration) {
	c.removeAll(func(e *Entry) bool { return now-e.asked >= idle })
}

// Close lets everything go. Files that are being sent stay open until they are.
func (c *Cache) Close() {
	c.removeAll(func(*Entry) bool { return true })
}

func closeAll(entries []*Entry) {
	for _, e := range entries {
		e.Close()
	}
}
