//! A log in a folder: one file is written, the older ones are never touched again.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::event::Event;
use super::settings::{Durability, Settings};
use super::tail::{self, End};
use super::{LogError, file, id};

/// After a file that could not be begun the present one goes on for so long before the next attempt.
const RETRY: Duration = Duration::from_secs(1);

/// The folder, locked, and the file that is written.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    settings: Settings,
    _lock: File,
    current: Option<Current>,
    failed_rotation: Option<Instant>,
}

#[derive(Debug)]
struct Current {
    path: PathBuf,
    file: Arc<File>,
    /// Up to the end of the last line.
    size: u64,
    /// When its first record was written, in milliseconds.
    began: i64,
    /// There may be a part of a line behind the last one.
    torn: bool,
}

impl Folder {
    /// Locks the folder, finds where its log ends, and sets aside what a crash left of a line.
    pub(super) fn open(path: &Path, settings: &Settings) -> Result<(Self, End), LogError> {
        let cannot = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| LogError::Folder {
                doing,
                path,
                source,
            }
        };
        file::folder(path).map_err(cannot("create", path))?;
        let lock = lock(path)?;
        let end = tail::end(path).map_err(cannot("go on with the log in", path))?;
        let mut folder = Folder {
            path: path.to_owned(),
            settings: settings.clone(),
            _lock: lock,
            current: None,
            failed_rotation: None,
        };
        if let Some((path, size)) = &end.file {
            let file = file::append(path).map_err(cannot("open", path))?;
            folder.current = Some(Current {
                began: file::began(&file::named(path)).unwrap_or_default(),
                path: path.clone(),
                file: Arc::new(file),
                size: *size,
                torn: false,
            });
        }
        Ok((folder, end))
    }

    /// What a file may grow to.
    pub(super) fn rotate_bytes(&self) -> usize {
        usize::try_from(self.settings.rotate_bytes).unwrap_or(usize::MAX)
    }

    /// The file that is written, to be synced.
    pub(super) fn file(&self) -> Option<Arc<File>> {
        Some(Arc::clone(&self.current.as_ref()?.file))
    }

    /// Writes lines, in a new file if it is time for one, all or nothing. Says whether there is a new file.
    pub(super) fn write(&mut self, lines: &[u8], seq: u64, milliseconds: u64) -> io::Result<bool> {
        let began = self.make_ready(lines.len() as u64, seq, milliseconds)?;
        let Some(current) = &mut self.current else {
            return Err(io::Error::other("there is no file"));
        };
        current.write(lines)?;
        Ok(began)
    }

    fn make_ready(&mut self, bytes: u64, seq: u64, milliseconds: u64) -> io::Result<bool> {
        let Some(current) = &mut self.current else {
            return self.begin(seq, milliseconds).map(|()| true);
        };
        if !current.is_ours()? {
            self.begin(seq, milliseconds)?;
            return Ok(true);
        }
        let age = i64::try_from(milliseconds).unwrap_or(i64::MAX) - current.began;
        let old = |seconds| {
            age >= i64::try_from(seconds)
                .unwrap_or(i64::MAX)
                .saturating_mul(1000)
        };
        let full = current.size + bytes > self.settings.rotate_bytes;
        let due = current.size > 0 && (full || self.settings.rotate_seconds.is_some_and(old));
        let waits = |failed: Instant| failed.elapsed() < RETRY;
        if !due || self.failed_rotation.is_some_and(waits) {
            return Ok(false);
        }
        // A file that has grown too large is better than no record.
        let begun = self.begin(seq, milliseconds);
        self.failed_rotation = begun.is_err().then(Instant::now);
        Ok(begun.is_ok())
    }

    fn begin(&mut self, seq: u64, milliseconds: u64) -> io::Result<()> {
        let path = self.path.join(file::name(milliseconds, seq));
        let file = match file::create(&path) {
            // Begun, and then nothing could be written into it.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && is_empty(&path) => {
                file::append(&path)?
            }
            created => created?,
        };
        if self.settings.durability == Durability::Disk {
            if let Some(current) = &self.current {
                current.file.sync_data()?;
            }
            file::sync_folder(&self.path)?;
        }
        self.current = Some(Current {
            path,
            file: Arc::new(file),
            size: 0,
            began: i64::try_from(milliseconds).unwrap_or(i64::MAX),
            torn: false,
        });
        Ok(())
    }

    /// What may go by now, with the link of the first record that stays.
    pub(super) fn removable(&self, now: i64) -> io::Result<Option<(Vec<PathBuf>, Event)>> {
        let mut files = file::list(&self.path)?;
        let count = self.too_many(&files).max(self.too_old(&files, now));
        let kept = files.split_off(count.min(files.len().saturating_sub(1)));
        let (false, Some(first)) = (files.is_empty(), kept.first()) else {
            return Ok(None);
        };
        let link = tail::first(first)?;
        let event = Event::Removed {
            files: files.iter().map(|path| file::named(path)).collect(),
            first_seq: link.seq,
            first_prev: link.prev,
        };
        Ok(Some((files, event)))
    }

    fn too_many(&self, files: &[PathBuf]) -> usize {
        let keep = self.settings.keep_files.unwrap_or(usize::MAX);
        files.len().saturating_sub(keep)
    }

    /// By the time in the id of its last record.
    fn too_old(&self, files: &[PathBuf], now: i64) -> usize {
        const DAY: u64 = 86_400_000;
        let Some(days) = self.settings.keep_days else {
            return 0;
        };
        let age = i64::try_from(days.saturating_mul(DAY)).unwrap_or(i64::MAX);
        let oldest = u64::try_from(now.saturating_sub(age)).unwrap_or(0);
        let old = |path: &&PathBuf| {
            let last = tail::last(path).ok().flatten();
            last.is_some_and(|link| id::milliseconds(&link.id) < oldest)
        };
        files.iter().take_while(old).count()
    }

    /// Removes files. One that stays is no harm: it still is in the chain.
    pub(super) fn remove(files: &[PathBuf]) {
        for path in files {
            let _ = fs::remove_file(path);
        }
    }

    /// The name of the file that is written.
    pub(super) fn name(&self) -> String {
        let current = self.current.as_ref();
        current.map_or_else(String::new, |current| file::named(&current.path))
    }
}

impl Current {
    /// Whether the file is as it was left: neither removed nor changed by anybody else.
    fn is_ours(&mut self) -> io::Result<bool> {
        if self.torn {
            self.file.set_len(self.size)?;
            self.torn = false;
        }
        let now = self.file.metadata()?;
        Ok(now.len() == self.size && !is_removed(&now))
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let written = loop {
            match (&*self.file).write(line) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                written => break written,
            }
        };
        match written {
            Ok(bytes) if bytes == line.len() => {
                self.size += bytes as u64;
                Ok(())
            }
            Ok(bytes) => {
                // Part of a line is taken back at once, or before the next line.
                self.torn = self.file.set_len(self.size).is_err();
                let problem = format!("only {bytes} of {} bytes were taken", line.len());
                Err(io::Error::new(ErrorKind::StorageFull, problem))
            }
            Err(error) => Err(error),
        }
    }
}

fn is_empty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0)
}

#[cfg(unix)]
fn is_removed(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) == 0
}

#[cfg(not(unix))]
fn is_removed(_: &fs::Metadata) -> bool {
    false
}

/// Held until the process ends, however it ends.
pub(crate) fn lock(folder: &Path) -> Result<File, LogError> {
    let path = folder.join(file::LOCK);
    let failed = |source| LogError::Folder {
        doing: "lock",
        path: path.clone(),
        source,
    };
    let file = file::lockable(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(LogError::Locked {
            path: folder.to_owned(),
        }),
        Err(fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    //! What a write leaves that broke off in the middle of a line.

    use std::os::fd::OwnedFd;

    use rustix::fs::{OFlags, fcntl_setfl};

    use super::*;

    fn current(file: File, size: u64, torn: bool) -> Current {
        Current {
            path: PathBuf::new(),
            file: Arc::new(file),
            size,
            began: 0,
            torn,
        }
    }

    fn folder(path: &Path, current: Current) -> io::Result<Folder> {
        Ok(Folder {
            path: path.to_owned(),
            settings: Settings::default(),
            _lock: file::lockable(&path.join(file::LOCK))?,
            current: Some(current),
            failed_rotation: None,
        })
    }

    /// A pipe takes a part of a line, and no system cuts it off again: so it is where files only grow.
    #[test]
    fn behind_a_part_of_a_line_that_stays_nothing_is_written() -> io::Result<()> {
        let (reading, writing) = io::pipe()?;
        let writing = File::from(OwnedFd::from(writing));
        fcntl_setfl(&writing, OFlags::NONBLOCK)?;
        let dir = tempfile::tempdir()?;
        let mut folder = folder(dir.path(), current(writing, 0, false))?;
        let line = vec![b'x'; 1 << 20];
        let error = folder.write(&line, 1, 0).err();
        assert_eq!(
            error.map(|error| error.kind()),
            Some(ErrorKind::StorageFull)
        );
        // With room again a short line would fit, behind what is left of the long one.
        let mut taken = vec![0; 512 << 10];
        let taken = io::Read::read(&mut &reading, &mut taken)?;
        assert!(taken > 0);
        for _ in 0..3 {
            assert!(folder.write(b"{}\n", 1, 0).is_err());
        }
        drop(folder);
        let mut rest = Vec::new();
        io::Read::read_to_end(&mut &reading, &mut rest)?;
        assert!(
            rest.iter().all(|&byte| byte == b'x'),
            "a line behind half a line"
        );
        assert!(file::list(dir.path())?.is_empty());
        Ok(())
    }

    #[test]
    fn what_could_not_be_cut_off_at_once_is_before_the_next_line() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("decisions-1.jsonl");
        fs::write(&path, "{\"seq\":1}\n{\"se")?;
        let torn = current(file::append(&path)?, 10, true);
        let mut folder = folder(dir.path(), torn)?;
        folder.write(b"{\"seq\":2}\n", 2, 0)?;
        assert_eq!(fs::read_to_string(&path)?, "{\"seq\":1}\n{\"seq\":2}\n");
        Ok(())
    }
}
