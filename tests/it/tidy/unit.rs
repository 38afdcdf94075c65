//! The systemd unit: hardened, and held to it.
//!
//! Place in the flow: reads `systemd/otklik.service`; asks `systemd-analyze` for the exposure where that
//! tool is installed. Invariant: exposure at most 1.5, every directive group explained.

use std::process::Command;

/// Exposure in tenths that must not be passed.
const EXPOSURE_MAX: &str = "15";

/// What the exposure and the watchdog rest on.
const WANTED: [&str; 25] = [
    "Type=notify",
    "WatchdogSec=120",
    "Restart=on-failure",
    "RestartPreventExitStatus=75 78",
    "StartLimitBurst=5",
    "OnFailure=otklik-failed@%n.service",
    "User=otklik",
    "StateDirectoryMode=0700",
    "UMask=0077",
    "CapabilityBoundingSet=",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateUsers=yes",
    "PrivateIPC=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "LimitCORE=0",
];

#[test]
fn the_unit_keeps_its_directives() {
    let unit = super::read("systemd/otklik.service");
    let lines: Vec<&str> = unit.lines().collect();
    let missing: Vec<&&str> = WANTED.iter().filter(|wanted| !lines.contains(wanted)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let comments = lines.iter().filter(|line| line.starts_with('#')).count();
    assert!(comments >= 20, "the unit explains itself: {comments} comments");
}

/// A token that a key proposes as a credential is one that the unit hands over.
#[test]
fn every_proposed_credential_is_loaded() {
    let unit = super::read("systemd/otklik.service");
    let shipped = super::read("config/otklik.toml");
    let names =
        shipped.split("{ credential = \"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut seen = 0;
    for name in names.filter(|name| name.is_ascii()) {
        seen += 1;
        let wanted = format!("LoadCredential={name}:otklik.{name}");
        assert!(unit.lines().any(|line| line == wanted), "{wanted}");
    }
    assert!(seen >= 5, "{seen} credentials in config/otklik.toml");
}

#[test]
fn exposure_is_at_most_1_5() {
    let measured = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE_MAX])
        .arg(crate::root().join("systemd/otklik.service"))
        .output();
    // Without the tool the directives above stand for it.
    let Ok(output) = measured else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", text.lines().last().unwrap_or_default());
}
