//! Broken packs that are made anew each time: links, and what is too large.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Makes a pack in a folder of its name.
pub(crate) type Make = fn(&Path);

/// Each with the name of the folder that has its snapshot.
pub(crate) const PACKS: &[(&str, Make)] = &[
    ("absent", |_| {}),
    ("hundred-thousand-rules", hundred_thousand_rules),
    ("includes-too-deep", includes_too_deep),
    ("link-out-of-the-pack", link_out_of_the_pack),
    ("link-to-nothing", link_to_nothing),
    ("manifest-nested-deep", manifest_nested_deep),
    ("nested-a-hundred-thousand-deep", nested_deep),
    ("rule-file-too-large", too_large),
];

const RULE: &str =
    "@id(\"nobody\")\n@reason(\"-\")\nforbid (principal, action == Action::\"merge\", resource);\n";

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn pack(folder: &Path, manifest: &str) {
    let name = folder.file_name().unwrap().to_str().unwrap();
    write(
        folder,
        "pack.toml",
        &format!("name = \"{name}\"\nversion = \"0.1.0\"\n{manifest}"),
    );
}

fn hundred_thousand_rules(folder: &Path) {
    pack(folder, "");
    for file in 0..20 {
        let mut text = String::new();
        for number in file * 5_000..(file + 1) * 5_000 {
            writeln!(
                text,
                "@id(\"r{number}\")\n@reason(\"-\")\nforbid (principal == Person::\"p{number}\", action == Action::\"merge\", resource);"
            )
            .unwrap();
        }
        write(folder, &format!("rules/{file:02}.cedar"), &text);
    }
}

fn includes_too_deep(folder: &Path) {
    let mut inner = folder.to_owned();
    for depth in 0..40 {
        let name = match depth {
            0 => "includes-too-deep".to_owned(),
            depth => format!("level-{depth}"),
        };
        let manifest = format!("name = \"{name}\"\nversion = \"0.1.0\"\nincludes = [\"in\"]\n");
        write(&inner, "pack.toml", &manifest);
        inner = inner.join("in");
    }
}

fn link_out_of_the_pack(folder: &Path) {
    pack(folder, "");
    let outside = folder.with_file_name("outside.cedar");
    fs::write(&outside, RULE).unwrap();
    fs::create_dir_all(folder.join("rules")).unwrap();
    std::os::unix::fs::symlink("../../outside.cedar", folder.join("rules/a.cedar")).unwrap();
    write(
        folder,
        "kept/b.cedar",
        &RULE.replace("nobody", "in-the-pack"),
    );
    std::os::unix::fs::symlink("../kept/b.cedar", folder.join("rules/b.cedar")).unwrap();
}

fn link_to_nothing(folder: &Path) {
    pack(folder, "");
    fs::create_dir_all(folder.join("rules")).unwrap();
    std::os::unix::fs::symlink("../moved.cedar", folder.join("rules/a.cedar")).unwrap();
}

fn manifest_nested_deep(folder: &Path) {
    pack(
        folder,
        &format!("includes = {}{}\n", "[".repeat(50_000), "]".repeat(50_000)),
    );
    write(folder, "rules/a.cedar", RULE);
}

fn nested_deep(folder: &Path) {
    pack(folder, "");
    let condition = format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000));
    write(
        folder,
        "rules/a.cedar",
        &RULE.replace(";", &format!("\nwhen {{\n{condition}\n}};")),
    );
}

fn too_large(folder: &Path) {
    pack(folder, "");
    write(folder, "rules/a.cedar", &RULE.repeat(20_000));
}
