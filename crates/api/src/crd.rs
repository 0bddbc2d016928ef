//! The definitions that are installed, made from the types.
