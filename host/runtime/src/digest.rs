//! SHA-256 digests, written `sha256:` and 64 lower-case hex digits.

use std::fmt;
use std::str::FromStr;

use miette::Diagnostic;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

const PREFIX: &str = "sha256:";

/// A SHA-256 digest. A malformed one cannot be represented.
///
/// ```
/// use sod_host::Digest;
///
/// let digest = Digest::of(b"");
/// assert_eq!(
///     digest.to_string(),
///     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
/// );
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
#[error("not a digest")]
#[diagnostic(help("write `sha256:` and 64 lower-case hex digits"))]
#[non_exhaustive]
pub struct DigestError;

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Digest(Sha256::digest(bytes).into())
    }

    /// The digest of optional texts such that no two different lists share
    /// one: each as its length, 64 bits little-endian (2^64-1 where absent),
    /// and its bytes.
    pub(crate) fn of_parts(parts: [Option<&str>; 3]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            let length = part.map_or(u64::MAX, |text| text.len() as u64);
            hasher.update(length.to_le_bytes());
            hasher.update(part.unwrap_or_default());
        }
        Digest(hasher.finalize().into())
    }

    /// A digest that was computed elsewhere, piece by piece.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Digest(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hex digits alone.
    pub(crate) fn hex(&self) -> String {
        self.pairs()
            .as_flattened()
            .iter()
            .copied()
            .map(char::from)
            .collect()
    }

    fn pairs(&self) -> [[u8; 2]; 32] {
        self.0.map(|byte| [digit(byte >> 4), digit(byte & 15)])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.pairs();
        let hex = str::from_utf8(pairs.as_flattened()).map_err(|_| fmt::Error)?;
        f.write_str(PREFIX)?;
        f.write_str(hex)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let hex = text.strip_prefix(PREFIX).ok_or(DigestError)?.as_bytes();
        let (pairs, []) = hex.as_chunks::<2>() else {
            return Err(DigestError);
        };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| DigestError)?;
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (high, low) = nibble(*high).zip(nibble(*low)).ok_or(DigestError)?;
            *byte = high << 4 | low;
        }
        Ok(Digest(bytes))
    }
}

fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + (nibble - 10),
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            D::Error::invalid_value(
                Unexpected::Str(&text),
                &"`sha256:` and 64 lower-case hex digits",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    //! What is a digest and what is not.

    use super::*;

    #[test]
    fn only_the_one_spelling_is_a_digest() {
        let good = Digest::of(b"abc").to_string();
        // FIPS 180-4, appendix B.1.
        assert_eq!(
            good,
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let hex = good.trim_start_matches(PREFIX);
        for bad in [
            "",
            "sha256:",
            hex,
            &good.to_uppercase(),
            &format!("{PREFIX}{}", hex.to_uppercase()),
            &good[..good.len() - 1],
            &good[..good.len() - 2],
            &format!("{good}00"),
            &format!(" {good}"),
            &good.replace("ba", "é"),
            &good.replace('b', "+"),
        ] {
            assert_eq!(bad.parse::<Digest>(), Err(DigestError), "{bad}");
        }
    }

    #[test]
    fn absent_and_empty_parts_differ() {
        let all = [
            [None, None, None],
            [Some(""), None, None],
            [None, Some(""), None],
            [Some("ab"), None, None],
            [Some("a"), Some("b"), None],
        ];
        for (i, a) in all.iter().enumerate() {
            for b in all.iter().skip(i + 1) {
                assert_ne!(Digest::of_parts(*a), Digest::of_parts(*b));
            }
        }
    }
}
