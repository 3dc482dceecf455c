//! Members in processes of their own.
