//! A TCP proxy that can hold back what one kind of connection sends.
