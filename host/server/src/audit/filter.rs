//! Which records are asked about.

use chrono::DateTime;
use uuid::Uuid;

use crate::record::PackId;

/// Which records to look at. Empty it is all of them.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Made then or later, in milliseconds since the Unix epoch.
    pub from: Option<i64>,
    /// Made before then.
    pub to: Option<i64>,
    /// Of this id.
    pub id: Option<Uuid>,
    /// Decided by a pack that is served as this, has this name, or has this digest.
    pub pack: Option<String>,
}

impl Filter {
    pub(super) fn takes(&self, time: &str, id: Uuid, pack: &PackId) -> bool {
        let time = milliseconds(time);
        let since = |from: i64| time.is_some_and(|time| time >= from);
        let until = |to: i64| time.is_some_and(|time| time < to);
        let by = |name: &str| {
            pack.served_as == name || pack.name == name || pack.digest.to_string() == name
        };
        self.from.is_none_or(since)
            && self.to.is_none_or(until)
            && self.id.is_none_or(|wanted| wanted == id)
            && self.pack.as_deref().is_none_or(by)
    }
}

/// A time of a record.
pub(super) fn milliseconds(time: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(time).ok()?;
    Some(time.timestamp_millis())
}
