//! What the host and the module hand each other.

use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    static BUFFERS: RefCell<Buffers> = const { RefCell::new(Buffers(BTreeMap::new())) };
}

/// All that was handed out and not given back, by address.
pub(super) struct Buffers(BTreeMap<usize, Vec<u8>>);

impl Buffers {
    /// For the time of one call. A call that crashed never leaves: whoever calls the same instance again crashes, too,
    /// instead of meeting what it left half done.
    pub(super) fn enter<T>(call: impl FnOnce(&mut Buffers) -> T) -> T {
        BUFFERS.with(|buffers| call(&mut buffers.borrow_mut()))
    }

    pub(super) fn take(&mut self, len: usize) -> Option<usize> {
        let mut bytes = Vec::new();
        // Nothing has no address of its own.
        bytes.try_reserve_exact(len.max(1)).ok()?;
        bytes.resize(len.max(1), 0);
        Some(self.keep(bytes))
    }

    pub(super) fn give_back(&mut self, at: usize) {
        self.0.remove(&at);
    }

    pub(super) fn read(&self, at: usize, len: usize) -> Option<&[u8]> {
        self.0.get(&at)?.get(..len)
    }

    /// Address and length in one number: the address is its upper half.
    pub(super) fn hand_out(&mut self, bytes: Vec<u8>) -> u64 {
        let len = bytes.len() as u64;
        (self.keep(bytes) as u64) << 32 | len
    }

    fn keep(&mut self, bytes: Vec<u8>) -> usize {
        let at = bytes.as_ptr().addr();
        self.0.insert(at, bytes);
        at
    }
}
