use super::*;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Beside the test program: on the disk it was built on, not on a memory file system.
fn directory() -> TempDir {
    let program = std::env::current_exe().expect("the test program's own path");
    let beside = program.parent().expect("a directory");
    tempfile::Builder::new().prefix("journal").tempdir_in(beside).expect("a temporary directory")
}

fn start(path: &Path) -> Journal {
    Journal::start(Settings { path: path.to_owned(), sync: true, most_per_sync: None }, || ())
        .expect("a journal")
}

/// Collects reports until one satisfies `last`.
fn until(journal: &Journal, last: impl Fn(&Report) -> bool) -> Vec<Report> {
    let begin = Instant::now();
    let mut all = Vec::new();
    while !all.iter().any(&last) {
        assert!(begin.elapsed() < Duration::from_secs(20), "only {all:?}");
        std::thread::sleep(Duration::from_millis(1));
        journal.reports(&mut all);
    }
    all
}

fn done(report: &Report) -> bool {
    matches!(report, Report::RewriteDone(_))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a readable file")
}

/// Names in the directory, the time in the temporary file's name left out.
fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .expect("a readable directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn appends_to_what_is_there_and_reports_durability() {
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    std::fs::write(&path, "old\n").expect("written");
    let journal = start(&path);
    let mut batch = Batch::default();
    batch.append(1, b"one\n");
    batch.append(2, b"two\n");
    journal.submit(&mut batch);
    assert!(batch.is_empty());
    until(&journal, |report| *report == Report::Durable(2));
    assert_eq!(read(&path), "old\none\ntwo\n");
    while journal.backlog() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn finishing_commits_what_was_submitted() {
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    let journal = start(&path);
    let mut batch = Batch::default();
    for sequence in 1..=1000 {
        batch.append(sequence, b"record\n");
        journal.submit(&mut batch);
    }
    journal.finish();
    assert_eq!(read(&path).lines().count(), 1000);
}

#[test]
fn many_records_take_few_syncs() {
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    let wakes = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = wakes.clone();
    let journal = Journal::start(Settings { path, sync: true, most_per_sync: None }, move || {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    })
    .expect("a journal");
    let mut batch = Batch::default();
    for sequence in 1..=100_000 {
        batch.append(sequence, b"a record of some octets\n");
        journal.submit(&mut batch);
    }
    until(&journal, |report| *report == Report::Durable(100_000));
    assert!(wakes.load(std::sync::atomic::Ordering::Relaxed) < 10_000);
}

#[test]
fn rewrite_replaces_the_file_and_keeps_the_old_one() {
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    std::fs::write(&path, "old\n").expect("written");
    let journal = start(&path);
    let mut batch = Batch::default();
    batch.rewrite_begin();
    batch.rewrite_chunk(b"new ");
    batch.rewrite_chunk(b"content\n");
    batch.append(7, b"during\n");
    batch.rewrite_chunk(b"more\n");
    batch.rewrite_end();
    batch.append(8, b"after\n");
    journal.submit(&mut batch);
    let reports = until(&journal, done);
    assert!(reports.contains(&Report::RewriteDone(Ok(()))), "{reports:?}");
    let mut batch = Batch::default();
    batch.append(9, b"later\n");
    journal.submit(&mut batch);
    until(&journal, |report| *report == Report::Durable(9));
    assert_eq!(read(&path), "new content\nduring\nmore\nafter\nlater\n");
    assert_eq!(read(&directory.path().join("dhcpd.leases~")), "old\nduring\nafter\n");
    assert_eq!(names(&directory), ["dhcpd.leases", "dhcpd.leases~"]);
}

#[test]
fn a_second_rewrite_replaces_the_backup() {
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    let journal = start(&path);
    for content in ["first\n", "second\n", "third\n"] {
        let mut batch = Batch::default();
        batch.rewrite_begin();
        batch.rewrite_chunk(content.as_bytes());
        batch.rewrite_end();
        journal.submit(&mut batch);
        until(&journal, done);
    }
    assert_eq!(read(&path), "third\n");
    assert_eq!(read(&directory.path().join("dhcpd.leases~")), "second\n");
}

#[test]
fn a_missing_old_file_is_said_and_no_failure() {
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    let journal = start(&path);
    std::fs::remove_file(&path).expect("removed");
    let mut batch = Batch::default();
    batch.rewrite_begin();
    batch.rewrite_chunk(b"new\n");
    batch.rewrite_end();
    journal.submit(&mut batch);
    let reports = until(&journal, done);
    let said = Line::error(format!("{} is missing - no lease db to backup.", path.display()));
    assert!(reports.contains(&Report::Say(said)), "{reports:?}");
    assert!(reports.contains(&Report::RewriteDone(Ok(()))));
    assert_eq!(read(&path), "new\n");
}

#[test]
fn a_full_disk_is_final_until_a_rewrite() {
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    // Every write to it fails with ENOSPC.
    std::os::unix::fs::symlink("/dev/full", &path).expect("linked");
    let journal = start(&path);
    let mut batch = Batch::default();
    batch.append(1, b"lost\n");
    journal.submit(&mut batch);
    let reports = until(&journal, |report| matches!(report, Report::Failed(_)));
    let text = "write_lease: unable to write lease file: No space left on device";
    assert_eq!(reports, [Report::Failed(text.to_owned())]);
    batch.append(2, b"ignored\n");
    journal.submit(&mut batch);
    batch.rewrite_begin();
    batch.rewrite_chunk(b"all of it\n");
    batch.append(3, b"three\n");
    batch.rewrite_end();
    journal.submit(&mut batch);
    let reports = until(&journal, |report| matches!(report, Report::Durable(_)));
    assert_eq!(reports, [Report::RewriteDone(Ok(())), Report::Durable(3)]);
    assert_eq!(read(&path), "all of it\nthree\n");
}

#[test]
fn a_rewrite_that_cannot_be_made_leaves_the_old_file() {
    let directory = directory();
    let inner = directory.path().join("inner");
    std::fs::create_dir(&inner).expect("made");
    let path = inner.join("dhcpd.leases");
    let journal = start(&path);
    std::fs::remove_file(&path).expect("removed");
    std::fs::remove_dir(&inner).expect("removed");
    let mut batch = Batch::default();
    batch.rewrite_begin();
    batch.rewrite_chunk(b"new\n");
    batch.rewrite_end();
    batch.append(5, b"still appended\n");
    journal.submit(&mut batch);
    let reports = until(&journal, |report| *report == Report::Durable(5));
    let text = "Can't create new lease file: No such file or directory";
    assert!(reports.contains(&Report::RewriteDone(Err(text.to_owned()))), "{reports:?}");
}

#[test]
fn a_backup_that_cannot_be_removed_fails_the_rewrite() {
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    std::fs::write(&path, "old\n").expect("written");
    let backup = directory.path().join("dhcpd.leases~");
    std::fs::create_dir(&backup).expect("made");
    let journal = start(&path);
    let mut batch = Batch::default();
    batch.rewrite_begin();
    batch.rewrite_chunk(b"new\n");
    batch.rewrite_end();
    journal.submit(&mut batch);
    let reports = until(&journal, done);
    let text = format!("Can't remove old lease database backup {}: Is a directory", backup.display());
    assert_eq!(reports, [Report::RewriteDone(Err(text))]);
    assert_eq!(read(&path), "old\n");
    assert_eq!(names(&directory), ["dhcpd.leases", "dhcpd.leases~"]);
}

#[test]
fn a_torn_batch_is_cut_off() {
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    std::fs::write(&path, "whole\n").expect("written");
    let mut appender = disk::Appender::new(disk::open_for_append(&path).expect("opened")).expect("appender");
    appender.append(b"second\n").expect("appended");
    // What a short write would leave.
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"to"))
        .expect("written");
    appender.cut_off();
    assert_eq!(read(&path), "whole\nsecond\n");
}

#[test]
fn a_sync_covers_no_more_records_than_are_allowed() {
    let directory = directory();
    let path = directory.path().join("dhcpd.leases");
    let settings = Settings { path, sync: true, most_per_sync: Some(2) };
    let journal = Journal::start(settings, || ()).expect("a journal");
    let mut batch = journal.batch();
    (1..=5).for_each(|sequence| batch.append(sequence, b"lease\n"));
    let counts: Vec<_> = batch
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Append { sequence, records, .. } => Some((*sequence, *records)),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [(2, 2), (4, 2), (5, 1)]);
    journal.submit(&mut batch);
    until(&journal, |report| *report == Report::Durable(5));
}
