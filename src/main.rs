fn main() -> std::process::ExitCode {
    dhcpd::daemon::run()
}
