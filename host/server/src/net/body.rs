//! Bodies, read whole before anything looks at them, within bounds for each and for all together.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What is counted together: a semaphore has no room for a count of bytes on every machine.
const BLOCK: usize = 1024;
/// What is read of a body that nobody wants, so that its sender comes to read the answer.
const UNWANTED: usize = 256 << 20;
pub(super) const UNWANTED_FOR: Duration = Duration::from_secs(30);
/// For those who have had their time already.
pub(super) const LATE_FOR: Duration = Duration::from_secs(1);

/// The room that all bodies share.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// A body, and its part of the room until it is dropped.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) bytes: Bytes,
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    TooLarge,
    NoRoom,
    Broken,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Room(Arc::new(Semaphore::new(bytes.div_ceil(BLOCK))))
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Unread> {
        let blocks = u32::try_from(bytes.div_ceil(BLOCK)).map_err(|_| Unread::NoRoom)?;
        let taken = Arc::clone(&self.0).try_acquire_many_owned(blocks);
        taken.map_err(|_| Unread::NoRoom)
    }
}

/// Reads the body. Room is taken for what has arrived, not for what was announced.
pub(super) async fn read(body: &mut Incoming, most: usize, all: &Room) -> Result<Read, Unread> {
    if body.size_hint().lower() > most as u64 {
        return Err(Unread::TooLarge);
    }
    let mut first: Option<Bytes> = None;
    let mut rest: Vec<u8> = Vec::new();
    let mut room: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else {
            continue;
        };
        let before = first.as_ref().map_or(rest.len(), Bytes::len);
        if before.saturating_add(data.len()) > most {
            return Err(Unread::TooLarge);
        }
        let more = all.take(data.len())?;
        match &mut room {
            Some(room) => room.merge(more),
            None => room = Some(more),
        }
        if before == 0 {
            first = Some(data);
        } else {
            if let Some(first) = first.take() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(Read {
        bytes: first.unwrap_or_else(|| rest.into()),
        room,
    })
}

/// Lets the rest of a body run out, so that the connection is not reset under an answer that was not read yet.
pub(super) fn discard(mut body: Incoming, most: Duration) {
    if body.is_end_stream() {
        return;
    }
    let to_the_end = async move {
        let mut left = UNWANTED;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    tokio::spawn(timeout(most, to_the_end));
}
