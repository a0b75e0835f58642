//! The pack's calendar at the time of the decision.

use chrono::{DateTime, Datelike, FixedOffset, Timelike};

use crate::bundle::Window;

/// Whether `now` (milliseconds since the Unix epoch) lies in the window.
pub(crate) fn is_open(window: &Window, now: i64) -> bool {
    let closed = |(from, until): &(i64, i64)| (*from..*until).contains(&now);
    if window.closed.iter().any(closed) {
        return false;
    }
    let Some(local) = local(window, now) else {
        return false;
    };
    let day = local.weekday().number_from_monday();
    let minute = local.hour() * 60 + local.minute();
    let minutes = u32::from(window.from)..u32::from(window.until);
    window.days.iter().any(|d| u32::from(*d) == day) && minutes.contains(&minute)
}

fn local(window: &Window, now: i64) -> Option<DateTime<FixedOffset>> {
    let after = window.offsets.partition_point(|(from, _)| *from <= now);
    let (_, seconds) = window.offsets.get(after.checked_sub(1)?)?;
    let utc = DateTime::from_timestamp_millis(now)?;
    Some(utc.with_timezone(&FixedOffset::east_opt(*seconds)?))
}
