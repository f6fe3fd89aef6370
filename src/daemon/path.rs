//! Where files are: flag, environment, the default of the build (a distribution sets `DHCPD_RS_CONF` and its like in the
//! environment of the compiler; without it Debian's). Statements of the configuration come later and win.

use super::command_line::Flags;
use super::message;
use crate::net::message::reason;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Compile-time defaults.
const CONFIGURATION: &str = default(option_env!("DHCPD_RS_CONF"), "/etc/dhcp/dhcpd.conf");
const LEASES: &str = default(option_env!("DHCPD_RS_DB"), "/var/lib/dhcp/dhcpd.leases");
const PID: &str = default(option_env!("DHCPD_RS_PID"), "/var/run/dhcpd.pid");

const LEASES6: &str = default(option_env!("DHCPD_RS_DB6"), "/var/lib/dhcp/dhcpd6.leases");
const PID6: &str = default(option_env!("DHCPD_RS_PID6"), "/var/run/dhcpd6.pid");

const fn default(at_build: Option<&'static str>, debian: &'static str) -> &'static str {
    match at_build {
        Some(path) => path,
        None => debian,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    pub configuration: PathBuf,
    pub leases: PathBuf,
    pub pid: PathBuf,
}

/// The error is fatal.
pub fn choose(flags: &Flags, environment: impl Fn(&str) -> Option<OsString>) -> Result<Paths, String> {
    let pick = |flag: &Option<PathBuf>, variable: &str| {
        flag.clone().or_else(|| environment(variable).map(PathBuf::from))
    };
    let (leases_variable, leases_default, pid_variable, pid_default) = match flags.family_6 {
        false => ("PATH_DHCPD_DB", LEASES, "PATH_DHCPD_PID", PID),
        true => ("PATH_DHCPD6_DB", LEASES6, "PATH_DHCPD6_PID", PID6),
    };
    let leases = match pick(&flags.leases, leases_variable) {
        // It is opened again after the working directory has changed.
        Some(path) if path.is_relative() => absolute(&path)?,
        Some(path) => path,
        None => leases_default.into(),
    };
    Ok(Paths {
        configuration: pick(&flags.configuration, "PATH_DHCPD_CONF").unwrap_or_else(|| CONFIGURATION.into()),
        leases,
        pid: pick(&flags.pid, pid_variable).unwrap_or_else(|| pid_default.into()),
    })
}

/// realpath(3): the file must exist.
fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::fs::canonicalize(path).map_err(|e| message::no_real_path(path, &reason(&e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_then_environment_then_default() {
        let none = |_: &str| None;
        let some = |name: &str| Some(OsString::from(format!("/env/{name}")));
        let flags = Flags::default();
        let paths = choose(&flags, none).expect("paths");
        assert_eq!(paths.configuration, Path::new(CONFIGURATION));
        assert_eq!(paths.leases, Path::new(LEASES));
        assert_eq!(paths.pid, Path::new(PID));
        let paths = choose(&flags, some).expect("paths");
        assert_eq!(paths.configuration, Path::new("/env/PATH_DHCPD_CONF"));
        assert_eq!(paths.leases, Path::new("/env/PATH_DHCPD_DB"));
        assert_eq!(paths.pid, Path::new("/env/PATH_DHCPD_PID"));
        let flags = Flags { configuration: Some("rel.conf".into()), ..Flags::default() };
        assert_eq!(choose(&flags, some).expect("paths").configuration, Path::new("rel.conf"));
    }

    #[test]
    fn a_relative_lease_file_must_exist() {
        let flags = Flags { leases: Some("no-such-lease-file".into()), ..Flags::default() };
        let text = "Failed to get realpath for no-such-lease-file: No such file or directory";
        assert_eq!(choose(&flags, |_| None), Err(text.to_owned()));
    }
}
