//! Transcripts in `console` blocks: lines that begin with `$ ` go to a shell, what follows is what it prints. `...` stands
//! for any text, on a line by itself for any lines.

/// Each command with what is shown of it. A line that ends in a backslash goes on in the next.
pub(crate) fn commands(transcript: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in transcript.lines() {
        if let Some(line) = line.strip_prefix("$ ") {
            commands.push((line.to_owned(), String::new()));
        } else if let Some((command, shown)) = commands.last_mut() {
            let goes_on = command.ends_with('\\') && shown.is_empty();
            let to = if goes_on { command } else { shown };
            to.push_str(if goes_on { "\n" } else { "" });
            to.push_str(line);
            to.push_str(if goes_on { "" } else { "\n" });
        }
    }
    commands
}

/// Is the text what the page shows of it?
pub(crate) fn fits(shown: &str, text: &str) -> bool {
    let [shown, text] = [shown, text].map(|text| text.lines().collect::<Vec<_>>());
    lines_fit(&shown, &text)
}

fn lines_fit(shown: &[&str], text: &[&str]) -> bool {
    match shown {
        [] => text.is_empty(),
        // As few as possible, or more.
        ["...", rest @ ..] => (0..=text.len()).any(|at| lines_fit(rest, &text[at..])),
        [line, rest @ ..] => text
            .split_first()
            .is_some_and(|(first, text)| line_fits(line, first) && lines_fit(rest, text)),
    }
}

fn line_fits(shown: &str, text: &str) -> bool {
    let Some((before, rest)) = shown.split_once("...") else {
        return shown == text;
    };
    let Some(text) = text.strip_prefix(before) else {
        return false;
    };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter().any(|at| line_fits(rest, &text[at..]))
}

#[test]
fn a_page_shows_what_is_printed_or_leaves_it_out() {
    for (shown, text) in [
        ("a", "a"),
        ("...", ""),
        ("...", "a\nb"),
        ("a\n...\nd", "a\nb\nc\nd"),
        ("a\n...\nd", "a\nd"),
        ("a\n...", "a"),
        (
            "digest ...\nsize ... bytes",
            "digest sha256:12\nsize 12 bytes",
        ),
        ("...b...b", "abab"),
    ] {
        assert!(fits(shown, text), "{shown}");
    }
    for (shown, text) in [
        ("a", "b"),
        ("a", "ab"),
        ("a...", "b"),
        ("...a", "ab"),
        ("a...a", "a"),
        ("a...b", "a\nb"),
        ("a\n...\nd", "a\nb d"),
    ] {
        assert!(!fits(shown, text), "{shown}");
    }
}
