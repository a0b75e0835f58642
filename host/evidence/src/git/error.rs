//! What can go wrong while reading a repository, and what to do about it.

use miette::Diagnostic;

use crate::input::InputError;

/// Why no evidence could be collected. Nothing is ever left out instead.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum GitError {
    /// There is no repository, or it cannot be opened.
    #[error("`{dir}` is not a git repository that can be read")]
    #[diagnostic(
        code("git-not-a-repository"),
        help("pass the top folder of a work tree, or a bare repository")
    )]
    NotARepository {
        /// The folder.
        dir: String,
        /// What stands in the way.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was read cannot be put down.
    #[error("cannot write `{path}`: {source}")]
    #[diagnostic(
        code("git-unwritable"),
        help("see that there is room in the folder for temporary files, and that it is yours")
    )]
    Unwritable {
        /// The file.
        path: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Nothing has that name.
    #[error("{role} `{revision}` is neither a branch, a tag nor a commit of the repository")]
    #[diagnostic(
        code("git-revision-absent"),
        help(
            "fetch it first, or pass the full commit id; `git rev-parse` shows what a name stands for"
        )
    )]
    RevisionAbsent {
        /// Which revision: base, head, ...
        role: &'static str,
        /// As it was given.
        revision: String,
    },
    /// More than one commit has that name.
    #[error("{role} `{revision}` can mean {}", candidates.join(" or "))]
    #[diagnostic(
        code("git-revision-ambiguous"),
        help("pass the full name, such as `refs/heads/main`, or the full commit id")
    )]
    RevisionAmbiguous {
        /// Which revision.
        role: &'static str,
        /// As it was given.
        revision: String,
        /// Every meaning with its commit.
        candidates: Vec<String>,
    },
    /// It is written in a way that is not understood.
    #[error("{role} `{revision}` is not a revision of a known form: {cause}")]
    #[diagnostic(
        code("git-revision-malformed"),
        help("pass a branch, a tag or a commit id, with `~N` or `^N` after it if need be")
    )]
    RevisionMalformed {
        /// Which revision.
        role: &'static str,
        /// As it was given.
        revision: String,
        /// What is wrong with it.
        cause: String,
    },
    /// It exists but cannot be read as a reference, or is not a commit.
    #[error("{role} `{revision}` does not lead to a commit: {cause}")]
    #[diagnostic(
        code("git-revision-not-a-commit"),
        help("pass a branch, a tag of a commit, or a commit id")
    )]
    RevisionNotACommit {
        /// Which revision.
        role: &'static str,
        /// As it was given.
        revision: String,
        /// What it leads to.
        cause: String,
    },
    /// A shallow clone ends before the history that is needed.
    #[error("commit `{id}` is absent: the repository is a shallow clone")]
    #[diagnostic(
        code("git-shallow"),
        help("run `git fetch --unshallow`; in CI, check out with the full history (depth 0)")
    )]
    Shallow {
        /// The absent commit.
        id: String,
    },
    /// An object that is needed is not there.
    #[error("{kind} `{id}` is absent from the repository")]
    #[diagnostic(
        code("git-object-absent"),
        help(
            "collect from a full clone; with `--without-blobs`, one made with `--filter=blob:none` will do"
        )
    )]
    ObjectAbsent {
        /// `commit`, `tree`, `blob` or `object`.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// An object is not what its id says, or is not well formed.
    #[error("{kind} `{id}` is corrupt: {cause}")]
    #[diagnostic(
        code("git-object-corrupt"),
        help(
            "run `git fsck` and clone the repository anew; if the object came with the change, do not accept it"
        )
    )]
    ObjectCorrupt {
        /// `commit`, `tree`, `blob` or `object`.
        kind: &'static str,
        /// Its id.
        id: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The trees unfold to more than any honest change has.
    #[error("the difference between base and head goes beyond {limit}")]
    #[diagnostic(
        code("git-too-large"),
        help(
            "split the change; where the files are too large and not too many, `--without-blobs` leaves out what needs their content"
        )
    )]
    TooLarge {
        /// The bound.
        limit: &'static str,
    },
    /// The file of owners that was asked for is not in the base.
    #[error("there is no file `{path}` in the base")]
    #[diagnostic(
        code("git-owners-absent"),
        help(
            "pass the path of the CODEOWNERS file in the repository, or leave it out to have it looked for"
        )
    )]
    OwnersAbsent {
        /// As it was given.
        path: String,
    },
    /// The file of owners can be read in two ways, or says what the evidence cannot hold.
    #[error("{path}:{line}: {message}")]
    #[diagnostic(
        code("git-owners-malformed"),
        help(
            "correct the file on the target branch; `--forge` says whose rules it follows, docs/evidence-git.md what is understood"
        )
    )]
    OwnersMalformed {
        /// Path in the base.
        path: String,
        /// From 1; 0 where it is about the whole file.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A file beside the repository.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Input(#[from] Box<InputError>),
}
