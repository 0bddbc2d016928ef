//! The random numbers of the operating system, on threads that ask for it made from a seed.
//!
//! Hash maps of the standard library and of `ahash` take their keys from the operating system, so the order
//! in which kube's controllers and caches go through their maps differs from run to run. A binary that links
//! this crate has a `getrandom` of its own: on a thread that has called [`seed_thread`] its answers follow
//! from the seed, on all others they are those of the operating system. The keys of the standard library's
//! maps belong to the thread that makes them, so a run that is to be repeated takes a fresh thread.

use std::cell::Cell;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::random_state::{RandomSource, RandomState, set_random_source};
use rustix::io::Errno;
use rustix::rand::GetRandomFlags;

thread_local! {
    // Constant, so that reading it neither allocates nor asks for random numbers itself.
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Makes the random numbers of this thread follow from a seed, from now on.
pub fn seed_thread(seed: u64) {
    static HASHER: Once = Once::new();
    HASHER.call_once(fix_ahash);
    STATE.set(Some(seed));
}

/// Whether the `getrandom` of this binary is the one of this crate.
#[must_use]
pub fn is_linked() -> bool {
    use std::hash::BuildHasher as _;
    let draw = || {
        let thread = std::thread::spawn(|| {
            seed_thread(1);
            std::collections::hash_map::RandomState::new().hash_one(1)
        });
        thread.join().ok()
    };
    draw().is_some_and(|first| draw() == Some(first))
}

/// The next number of this thread, if it has a seed: `SplitMix64` (Steele, Lea, Flood 2014).
fn next() -> Option<u64> {
    let state = STATE.get()?.wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(Some(state));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Some(mixed ^ (mixed >> 31))
}

/// Keys of `ahash` are half a constant of the process and half a counter that starts with an address.
struct Keys(AtomicU64);

impl RandomSource for Keys {
    fn gen_hasher_seed(&self) -> usize {
        let key = next().unwrap_or_else(|| self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed));
        usize::try_from(key & u64::from(u32::MAX)).unwrap_or_default()
    }
}

fn fix_ahash() {
    // Where somebody else was first, only the order of maps that nobody should rely on is left to chance.
    let _ = set_random_source(Keys(AtomicU64::new(1)));
    // The constant is drawn at the first use: let that be on a thread of a known seed.
    let first = std::thread::spawn(|| {
        STATE.set(Some(0));
        let _ = RandomState::new();
    });
    let _ = first.join();
}

/// `getrandom(2)`, in the place of libc's.
///
/// # Safety
/// `buffer` points to `length` bytes that may be written.
#[allow(unsafe_code, reason = "what C and the standard library call has a C interface")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, flags: u32) -> isize {
    // SAFETY: the caller promises that these bytes may be written; they need not be initialised.
    let buffer =
        unsafe { std::slice::from_raw_parts_mut(buffer.cast::<std::mem::MaybeUninit<u8>>(), length) };
    if STATE.get().is_some() {
        for byte in buffer.iter_mut() {
            byte.write(next().unwrap_or_default().to_le_bytes()[0]);
        }
        return isize::try_from(length).unwrap_or(isize::MAX);
    }
    loop {
        match rustix::rand::getrandom(&mut *buffer, GetRandomFlags::from_bits_retain(flags)) {
            Ok((filled, _)) => return isize::try_from(filled.len()).unwrap_or(isize::MAX),
            Err(Errno::INTR | Errno::AGAIN) => {}
            // Without `errno`, which only C can set, no caller could tell what is wrong.
            Err(_) => std::process::abort(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    /// The order of a map's keys, on a fresh thread.
    fn order(seed: Option<u64>) -> (Vec<u32>, Vec<u32>) {
        let run = move || {
            if let Some(seed) = seed {
                super::seed_thread(seed);
            }
            let standard: HashSet<u32> = (0..64).collect();
            let other: ahash::AHashSet<u32> = (0..64).collect();
            (standard.into_iter().collect(), other.into_iter().collect())
        };
        std::thread::spawn(run).join().unwrap()
    }

    #[test]
    fn maps_of_one_seed_are_alike_and_others_are_not() {
        assert_eq!(order(Some(7)), order(Some(7)));
        let (one, other) = (order(Some(7)), order(Some(8)));
        assert!(one.0 != other.0 && one.1 != other.1);
        assert_ne!(order(None).0, order(None).0, "threads without a seed are left alone");
    }

    #[test]
    fn the_function_of_this_crate_is_the_one_that_is_called() {
        assert!(super::is_linked());
    }
}
