//! Every message about gate tokens, the gate's own keys and marks of programs.
