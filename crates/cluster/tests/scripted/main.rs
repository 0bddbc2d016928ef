//! Watches, reads and writes against a scripted API server, in virtual time: what each does when the server refuses, is
//! busy, forgets, breaks off, or says something that can't be understood.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails as the test does")]

mod kinds;
mod optional;
mod reads;
mod script;

mod watches;
mod writes;
