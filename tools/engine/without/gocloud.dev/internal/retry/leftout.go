package retry

type ContextError struct {
	error
	CtxErr, FuncErr error
}
