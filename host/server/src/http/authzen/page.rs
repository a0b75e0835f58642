//! Pages of what a search finds. A token says where the next page begins, and of which search it is.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use sod_host::Digest;

use super::model::PageAsked;
use crate::http::body::{Json, Object};
use crate::http::problem::Problem;

/// Which part of the results is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// Candidates before this one are on earlier pages.
    pub(super) begin: usize,
    /// How many results at most.
    pub(super) limit: Option<u32>,
    query: Digest,
}

/// The `page` of an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PageAnswer {
    /// Asks for the next page; empty if there is none.
    next_token: String,
    /// How many results are on this page.
    count: usize,
}

impl Page {
    /// The page that is asked for, of the search with this body.
    pub(super) fn asked(
        asked: Option<&Object<PageAsked>>,
        kind: &str,
        Json(body): &Json,
    ) -> Result<Option<Self>, Problem> {
        let Some(Object(asked)) = asked else {
            return Ok(None);
        };
        let query = query(kind, body)?;
        let Some(token) = asked.token.as_deref().filter(|token| !token.is_empty()) else {
            return Ok(Some(Page {
                begin: 0,
                limit: asked.limit,
                query,
            }));
        };
        let page = Page::read(token, query).ok_or_else(|| {
            Problem::malformed("it is no token of this search")
                .with_help("send `next_token` as it was, and all else as in the request before")
                .at("page.token")
        })?;
        if asked.limit.is_some() && asked.limit != page.limit {
            return Err(Problem::malformed("it is another than on the page before")
                .with_help("leave it out, or begin without a token")
                .at("page.limit"));
        }
        Ok(Some(page))
    }

    /// The `page` of an answer with so many results, after which those from `next` on are left.
    pub(super) fn answer(self, count: usize, next: Option<usize>) -> PageAnswer {
        let token = |begin| Page { begin, ..self }.write();
        PageAnswer {
            next_token: next.map(token).unwrap_or_default(),
            count,
        }
    }

    /// Position and limit in hex, then the digest of it all: what is made up or of another search does not fit.
    fn write(self) -> String {
        let limit = self.limit.map_or(u64::MAX, u64::from);
        let place = format!("{:016x}{limit:016x}", self.begin as u64);
        let bound = self.bound(&place);
        place + &bound
    }

    fn bound(self, place: &str) -> String {
        let digest = Digest::of(format!("{place} {}", self.query).as_bytes());
        let bytes = digest.as_bytes().iter();
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }

    fn read(token: &str, query: Digest) -> Option<Self> {
        let number = |hex: &str| u64::from_str_radix(hex, 16).ok();
        let (begin, limit) = (number(token.get(..16)?)?, number(token.get(16..32)?)?);
        let page = Page {
            begin: usize::try_from(begin).ok()?,
            limit: match limit {
                u64::MAX => None,
                limit => Some(u32::try_from(limit).ok()?),
            },
            query,
        };
        (page.write() == token).then_some(page)
    }
}

/// What the search is about, the page not counted: the same for the same question however it is spaced and ordered.
fn query(kind: &str, body: &[u8]) -> Result<Digest, Problem> {
    let body: Value =
        serde_json::from_slice(body).map_err(|error| Problem::malformed(error.to_string()))?;
    let parts = ["subject", "action", "resource", "context"].map(|part| body.get(part));
    let text = serde_json::to_string(&parts).unwrap_or_default();
    Ok(Digest::of(format!("{kind} {text}").as_bytes()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    //! A token is good for its own search and no other.

    use super::*;

    fn of(
        kind: &str,
        token: Option<String>,
        limit: Option<u32>,
        body: &str,
    ) -> Result<Page, Problem> {
        let asked = Object(PageAsked { token, limit });
        let body = Json(body.to_owned().into());
        Page::asked(Some(&asked), kind, &body).map(Option::unwrap)
    }

    fn page(token: Option<String>, limit: Option<u32>, body: &str) -> Result<Page, Problem> {
        of("subject", token, limit, body)
    }

    #[test]
    fn a_token_is_bound_to_its_search() {
        let body = r#"{"subject": {"type": "user"}, "action": {"name": "read"}}"#;
        let spaced = r#"{ "action":{"name":"read"},"subject":{"type":"user"}, "page": {} }"#;
        let other = r#"{"subject": {"type": "user"}, "action": {"name": "write"}}"#;
        let first = page(None, Some(2), body).unwrap();
        let token = first.answer(2, Some(7)).next_token;

        let second = page(Some(token.clone()), None, spaced).unwrap();
        assert_eq!((second.begin, second.limit), (7, Some(2)));
        assert!(page(Some(token.clone()), Some(2), body).is_ok());
        assert!(page(Some(token.clone()), Some(3), body).is_err());
        assert!(page(Some(token.clone()), None, other).is_err());
        assert!(of("resource", Some(token.clone()), None, body).is_err());
        for made_up in [
            "",
            "7",
            "é".repeat(16).as_str(),
            &token[1..],
            &token.replace('7', "8"),
        ] {
            let read = Page::read(made_up, first.query);
            assert_eq!(read, None, "{made_up}");
        }
    }

    #[test]
    fn the_last_page_has_an_empty_token() {
        let last = page(None, None, "{}").unwrap().answer(3, None);
        assert_eq!((last.next_token.as_str(), last.count), ("", 3));
    }
}
