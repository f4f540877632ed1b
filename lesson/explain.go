package lesson

// Explain is how much a narrator says.
type Explain string

const (
	Full  Explain = "full"  // everything
	Short Explain = "short" // what happens, the call, the evidence
	None  Explain = "none"  // the call and the evidence
)
