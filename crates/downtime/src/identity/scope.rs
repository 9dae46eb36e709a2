//! Whose charts a user's keys open, and the compartments that follow from it.
//!
//! There is one compartment per scope that somebody enrolled has: a hospital where everybody treats everybody has one. Whoever
//! works in two departments has both in one compartment, so a person always opens exactly one list. A chart may lie in several
//! compartments; its record is stored once and listed in each. Numbers are given anew for every sealing, as the keys are.

use std::collections::{BTreeMap, BTreeSet};

use chart::Chart;
use minicbor::{Decode, Encode};
use vault::snapshot::{Compartment, Grant, RoleGrant};
use vault::{CompartmentId, RoleId};

use super::{Roster, UserRecord};
use crate::sources::Beds;

/// The compartment of every chart. It always exists: recovery and the proof after sealing use it.
pub const EVERYBODY: CompartmentId = CompartmentId(1);

/// Whose charts a user's keys open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Encode, Decode)]
pub enum Scope {
    /// Every chart of the snapshot.
    #[n(0)]
    #[default]
    All,
    /// Patients booked in these departments, and inpatients under their care (codes as the EHR writes them).
    #[n(1)]
    Departments(#[n(0)] Vec<String>),
    /// Patients on these wards (codes as the EHR writes them).
    #[n(2)]
    Wards(#[n(0)] Vec<String>),
    /// No chart at all.
    #[n(3)]
    Nothing,
}

impl Scope {
    /// Reads `all`, `nothing`, `dept:01,02` or `ward:3E`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let codes = |list: &str| -> Option<Vec<String>> {
            let codes: BTreeSet<String> = list.split(',').map(|c| c.trim().to_owned()).collect();
            (!codes.contains("")).then(|| codes.into_iter().collect())
        };
        match text.trim().split_once(':') {
            None => match text.trim() {
                "" | "all" => Some(Self::All),
                "nothing" => Some(Self::Nothing),
                _ => None,
            },
            Some(("dept", list)) => codes(list).map(Self::Departments),
            Some(("ward", list)) => codes(list).map(Self::Wards),
            Some(_) => None,
        }
    }

    /// The reverse of [`Self::parse`].
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Nothing => "nothing".to_owned(),
            Self::Departments(codes) => format!("dept:{}", codes.join(",")),
            Self::Wards(codes) => format!("ward:{}", codes.join(",")),
        }
    }

    /// Whether an empty bed of a ward is within it. Who works by departments hears of no empty bed: the others on the ward are
    /// not on their list, and a list with holes must not look like a whole ward.
    fn holds_bed(&self, ward: &chart::Coded) -> bool {
        match self {
            Self::All => true,
            Self::Wards(codes) => codes.contains(&ward.code),
            Self::Departments(_) | Self::Nothing => false,
        }
    }

    /// Whether a chart is within it.
    fn holds(&self, chart: &Chart) -> bool {
        match self {
            Self::All => true,
            Self::Departments(codes) => {
                let stays = chart.stay.iter().map(|stay| &stay.department);
                let mut departments = chart.appointments.iter().map(|a| &a.department).chain(stays);
                departments.any(|department| codes.contains(&department.code))
            }
            Self::Wards(codes) => chart.stay.as_ref().is_some_and(|stay| codes.contains(&stay.ward.code)),
            Self::Nothing => false,
        }
    }
}

/// Compartments and roles of one sealing, derived from who is enrolled.
#[derive(Debug, Clone)]
pub struct Rights {
    compartments: BTreeMap<Scope, CompartmentId>,
    roles: BTreeMap<(u32, Scope), RoleId>,
}

impl Rights {
    /// What the users who are in force need, and [`EVERYBODY`].
    #[must_use]
    pub fn of<'a>(users: impl IntoIterator<Item = &'a UserRecord>) -> Self {
        let wanted: BTreeSet<(u32, Scope)> = users.into_iter().filter_map(key).collect();
        let others: BTreeSet<&Scope> = wanted
            .iter()
            .map(|(_, scope)| scope)
            .filter(|s| **s != Scope::All)
            .collect();
        let mut compartments = BTreeMap::from([(Scope::All, EVERYBODY)]);
        for (scope, number) in others.into_iter().zip(EVERYBODY.0 + 1..) {
            compartments.insert(scope.clone(), CompartmentId(number));
        }
        let roles = wanted.into_iter().zip(1..).map(|(key, n)| (key, RoleId(n))).collect();
        Self { compartments, roles }
    }

    /// Rights of everybody in the roster who is not disabled.
    #[must_use]
    pub fn of_roster(roster: &Roster) -> Self {
        Self::of(roster.users.iter().filter(|u| !u.disabled).map(|u| &u.record))
    }

    /// The roles a user gets: one, or none for who opens no chart.
    #[must_use]
    pub fn roles_of(&self, user: &UserRecord) -> Vec<RoleId> {
        key(user)
            .and_then(|key| self.roles.get(&key).copied())
            .into_iter()
            .collect()
    }

    /// What each role opens.
    #[must_use]
    pub fn role_grants(&self) -> Vec<RoleGrant> {
        self.roles
            .iter()
            .map(|((verbs, scope), id)| RoleGrant {
                id: *id,
                grants: self
                    .compartments
                    .get(scope)
                    .map(|compartment| Grant {
                        compartment: *compartment,
                        verbs: *verbs,
                    })
                    .into_iter()
                    .collect(),
                enclosed: Vec::new(),
            })
            .collect()
    }

    /// Every compartment with its name.
    #[must_use]
    pub fn compartments(&self) -> Vec<Compartment> {
        self.compartments
            .iter()
            .map(|(scope, id)| Compartment {
                id: *id,
                name: scope.text().into_bytes(),
            })
            .collect()
    }

    /// The empty beds that a compartment's list shows.
    #[must_use]
    pub fn beds_of(&self, compartment: CompartmentId, beds: &Beds) -> Beds {
        let scope = self.compartments.iter().find(|(_, id)| **id == compartment);
        match (scope, beds) {
            (Some((scope, _)), Beds::Known { empty }) => Beds::Known {
                empty: empty.iter().filter(|bed| scope.holds_bed(&bed.ward)).cloned().collect(),
            },
            _ => beds.clone(),
        }
    }

    /// The compartments a chart lies in.
    #[must_use]
    pub fn of_chart(&self, chart: &Chart) -> Vec<CompartmentId> {
        self.compartments
            .iter()
            .filter(|(scope, _)| scope.holds(chart))
            .map(|(_, id)| *id)
            .collect()
    }
}

fn key(user: &UserRecord) -> Option<(u32, Scope)> {
    let opens = !user.role.opens_no_chart() && user.scope != Scope::Nothing;
    opens.then(|| (user.role.verbs(), user.scope.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Role;

    fn user(role: Role, scope: Scope) -> UserRecord {
        UserRecord {
            role,
            scope,
            ..UserRecord::named("1", "架空")
        }
    }

    #[test]
    fn a_hospital_where_everybody_treats_everybody_has_one_compartment() {
        let users = [
            user(Role::Reception, Scope::All),
            user(Role::Physician, Scope::All),
            user(Role::Maintenance, Scope::All),
        ];
        let rights = Rights::of(&users);
        assert_eq!(rights.compartments().len(), 1);
        assert_eq!(rights.role_grants().len(), 2, "one role per set of verbs");
        assert!(
            rights.roles_of(&users[2]).is_empty(),
            "maintenance gets no key even where somebody wrote `all`"
        );
    }

    #[test]
    fn who_works_in_two_departments_gets_one_compartment_with_both() {
        let nurse = user(Role::Nurse, Scope::parse("dept:02,01").unwrap_or_default());
        let rights = Rights::of([&nurse]);
        let names: Vec<String> = rights
            .compartments()
            .iter()
            .map(|c| String::from_utf8_lossy(&c.name).into_owned())
            .collect();
        assert_eq!(names, ["all", "dept:01,02"]);
        let grants = rights.role_grants();
        assert_eq!(grants.len(), 1);
        let opened: Vec<u16> = grants[0].grants.iter().map(|g| g.compartment.0).collect();
        assert_eq!(opened, [2], "not the compartment of everybody");
        assert_eq!(grants[0].grants[0].verbs, Role::Nurse.verbs());
    }

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for text in ["all", "nothing", "dept:01,02", "ward:3E"] {
            assert_eq!(Scope::parse(text).map(|s| s.text()).as_deref(), Some(text));
        }
        for bad in ["dept:", "dept:01,,02", "floor:3", "everything"] {
            assert_eq!(Scope::parse(bad), None, "{bad}");
        }
    }
}
