package wire

// A Label says what a segment is to its connection. The labels and the rules by which
// they are given are those of Wireshark (its User's Guide, section 7.5, TCP Analysis).
type Label string

// The labels.
const (
	Retransmission Label = "retransmission"                   // its bytes were sent before
	Fast           Label = "fast retransmission"              // so they were, and duplicate ACKs have just asked for them
	Spurious       Label = "spurious retransmission"          // so they were, and have been acknowledged
	OutOfOrder     Label = "out of order"                     // it comes a moment after later ones
	Unseen         Label = "a segment before it was not seen" // its number is not the next
	DuplicateACK   Label = "duplicate ACK"                    // it acknowledges what was acknowledged, and says nothing else
	UnseenACK      Label = "ACK of a segment not seen"        // it acknowledges more than was sent
	KeepAlive      Label = "keep-alive"                       // it has a byte that the other end has, so that this one answers
	KeepAliveACK   Label = "keep-alive ACK"                   // it answers that
	ZeroWindow     Label = "zero window"                      // its sender has no room for more
	Probe          Label = "zero window probe"                // it has a byte more than there is room for, so that the other end answers
	ProbeACK       Label = "zero window probe ACK"            // it answers that: still no room
	WindowFull     Label = "window full"                      // it fills the room that the other end has
	WindowUpdate   Label = "window update"                    // it says nothing else than how much room there is
	PortReused     Label = "port numbers reused"              // another connection had the same addresses and ports
)
