//! Who a commit names: accounts of author, committer and co-authors, and the form of its signature.

use gix::bstr::ByteSlice;

use super::text;
use crate::evidence::Signature;

/// The account of `Name <address> seconds offset`.
///
/// The address is what stands between the first `<` and the last `>`, with
/// nothing trimmed. A line with two addresses thus gives an account that holds
/// brackets, and a line with none gives `email:`: both belong to nobody.
pub(super) fn account(line: &[u8]) -> String {
    let address = match (line.find_byte(b'<'), line.rfind_byte(b'>')) {
        (Some(open), Some(close)) => line.get(open + 1..close),
        _ => None,
    };
    email_account(address.unwrap_or_default())
}

/// ASCII case does not matter in an address; every other difference does.
pub(super) fn email_account(address: &[u8]) -> String {
    let mut account = text::escape(address);
    account.make_ascii_lowercase();
    account.insert_str(0, "email:");
    account
}

/// Accounts of everything in a message that looks like a `Co-authored-by`
/// trailer, each once, in order.
///
/// Git takes trailers from the last paragraph only. Here any line counts,
/// however it is cased, indented, quoted or ended: one contributor too many
/// makes a verdict stricter, one too few makes it wrong.
pub(super) fn co_authors(message: &[u8]) -> Vec<String> {
    let message = message.replace("\r\n", "\n").replace("\r", "\n");
    let mut accounts = Vec::new();
    let mut lines = message.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(value) = co_author(line) else {
            continue;
        };
        let mut value = value.to_owned();
        while let Some(folded) = lines.next_if(|line| is_folded(line)) {
            value.extend_from_slice(folded);
        }
        for account in named(&value) {
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
    }
    accounts
}

fn co_author(line: &[u8]) -> Option<&[u8]> {
    const TOKEN: &[u8] = b"co-authored-by";
    let line = line.trim_start_with(|c| c.is_ascii() && !c.is_ascii_alphanumeric());
    let (token, rest) = line.split_at_checked(TOKEN.len())?;
    if !token.eq_ignore_ascii_case(TOKEN) {
        return None;
    }
    rest.trim_start().strip_prefix(b":")
}

/// Whether a line continues the trailer before it.
fn is_folded(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t')) && !line.trim().is_empty()
}

/// Every address in brackets; without brackets, the whole value.
fn named(value: &[u8]) -> Vec<String> {
    let mut groups = value.split_str("<");
    let before = groups.next().unwrap_or_default();
    let accounts: Vec<String> = groups
        .map(|group| group.split_str(">").next().unwrap_or_default())
        .map(email_account)
        .collect();
    if accounts.is_empty() {
        return vec![email_account(before.trim())];
    }
    accounts
}

/// The form of a signature by its first line. It is never checked here.
pub(super) fn signature(first_line: &[u8]) -> Signature {
    let format = match first_line.trim_end() {
        b"-----BEGIN PGP SIGNATURE-----" | b"-----BEGIN PGP MESSAGE-----" => "openpgp",
        b"-----BEGIN SSH SIGNATURE-----" => "ssh",
        b"-----BEGIN SIGNED MESSAGE-----" => "x509",
        _ => "unknown",
    };
    Signature {
        format: format.to_owned(),
        verified: false,
    }
}
