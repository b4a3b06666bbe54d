package glamour

type TermRenderer struct{}

func NewTermRenderer(...any) (TermRenderer, error) { return TermRenderer{}, nil }

func (TermRenderer) Render(text string) (string, error) { return text, nil }

func WithAutoStyle() any { return nil }

func WithWordWrap(int) any { return nil }
