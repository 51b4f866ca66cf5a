package main

import (
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// versionInputs has good and bad versions, pseudo-versions among them.
var versionInputs = strings.Split(`
bad
v
v1
v0
v01
v1.
v1.2
v1.02
v1.2.
v1.2.3
v1.2.03
v1.2.3.4
v1.2-pre
v1+incompatible
v1.2+incompatible
v00.0.0
v0.0.0
V1.2.3
1.2.3
v-1.2.3
v1.2.3-
v1.2.3+
v1.2.3-+
v1.2.3-+a
v1.2.3-a+
v1.2.3-a+b
v1.2.3-a+b+c
v1.2.3-a..b
v1.2.3-.a
v1.2.3-a.
v1.2.3-0
v1.2.3-00
v1.2.3-01
v1.2.3-01a
v1.2.3-0a
v1.2.3-a.01
v1.2.3-a.0
v1.2.3-a.10
v1.2.3-a.9
v1.2.3-1
v1.2.3-2
v1.2.3-10
v1.2.3-99999999999999999999
v1.2.3-100000000000000000000
v1.2.3--
v1.2.3---
v1.2.3--1
v1.2.3-a-b
v1.2.3-A
v1.2.3-a
v1.2.3-Z
v1.2.3-alpha
v1.2.3-alpha.1
v1.2.3-alpha.beta
v1.2.3-beta
v1.2.3-beta.2
v1.2.3-beta.11
v1.2.3-rc.1
v1.2.3-rc1
v1.2.3-RC1
v1.2.3-rc.1+meta
v1.2.3-rc.1+incompatible
v1.2.3+incompatible
v1.2.3+incompatible.1
v1.2.3+Incompatible
v1.2.3+meta
v1.2.3+meta-pre
v1.2.3+01
v1.2.3+a..b
v1.2.3+a.
v1.2.3+.a
v1.2.3_a
v1.2.3-a_b
v1.2.3-ä
v1.2.3-a b
v1.2.3 
 v1.2.3
v2.0.0
v2.0.0+incompatible
v2.0.0-pre
v9
v9.9
v10.0.0
v99999999999999999999.0.0
v100000000000000000000.0.0
v1.99999999999999999999.0
v1.2.99999999999999999999
v0.0.1-go1.24.0.linux-amd64
v0.0.0-20190101000000-abcdefabcdef
v0.0.0-20190101000000-abcdefabcdef+incompatible
v0.0.0-20190101000000-abcdefabcdef+meta.1
v0.0.0-20190101000000-ABCDEF
v0.0.0-20190101000000-a
v0.0.0-20190101000000-
v0.0.0-20190101000000
v0.0.0-2019010100000-abcdefabcdef
v0.0.0-201901010000000-abcdefabcdef
v0.0.0-00000000000000-000000000000
v0.0.0-00010101000000-000000000000
v0.0.0-20190230000000-abcdefabcdef
v0.0.0-20200229000000-abcdefabcdef
v0.0.0-20190229000000-abcdefabcdef
v0.0.0-20191301000000-abcdefabcdef
v0.0.0-20190100000000-abcdefabcdef
v0.0.0-20190101240000-abcdefabcdef
v0.0.0-20190101236000-abcdefabcdef
v0.0.0-20190101235960-abcdefabcdef
v0.0.0-20190101235959-abcdefabcdef
v0.0.0-99991231235959-abcdefabcdef
v0.0.0-20190101000000-abc-def
v0.0.0-20190101000000-abc.def
v0.0.0-0.20190101000000-abcdefabcdef
v0.0.1-0.20190101000000-abcdefabcdef
v0.1.0-20190101000000-abcdefabcdef
v0.0.1-20190101000000-abcdefabcdef
v1.0.0-20190101000000-abcdefabcdef
v2.0.0-20190101000000-abcdefabcdef
v1.0.0-0.20190101000000-abcdefabcdef
v1.2.0-0.20190101000000-abcdefabcdef
v1.2.4-0.20190101000000-abcdefabcdef
v1.2.10-0.20190101000000-abcdefabcdef
v1.2.100-0.20190101000000-abcdefabcdef
v1.2.1-0.20190101000000-abcdefabcdef
v1.2.4-0.20190101000000-abcdefabcdef+incompatible
v1.2.4-00.20190101000000-abcdefabcdef
v1.2.4-1.20190101000000-abcdefabcdef
v1.2.4-10.20190101000000-abcdefabcdef
v1.2.3-pre.0.20190101000000-abcdefabcdef
v1.2.3-pre.0.20190101000000-abcdefabcdef+incompatible
v1.2.3-pre.1.0.20190101000000-abcdefabcdef
v1.2.3-0.0.20190101000000-abcdefabcdef
v1.2.3-pre-0.20190101000000-abcdefabcdef
v1.2.3-pre.00.20190101000000-abcdefabcdef
v1.2.3-pre0.20190101000000-abcdefabcdef
v1.2.3-a-b.0.20190101000000-abcdefabcdef
v1.2.3--.0.20190101000000-abcdefabcdef
v1.2.3-pre.0.20190101000000-abcdef-abcdef
v1.2.3-pre.0.20190101000000-
v1.2.3-pre.20190101000000-abcdefabcdef
v1-20190101000000-abcdefabcdef
v1.0-20190101000000-abcdefabcdef
v0.0.0-20190101000000-abcdefabcdef-dirty
v0.0.0-20190101000000.abcdefabcdef-x
v1.99999999999999999999.100000000000000000000-0.20190101000000-abcdefabcdef
master
`, "\n")[1:]

type versionVector struct {
	Version   string
	Valid     bool
	Canonical *string
	// Of canonical ones.
	Prerelease, Build, Major string
}

func versions() (vectors []versionVector) {
	for _, version := range versionInputs {
		v := versionVector{
			Version: version, Valid: semver.IsValid(version),
			Prerelease: semver.Prerelease(version), Build: semver.Build(version), Major: semver.Major(version),
		}
		if canonical := module.CanonicalVersion(version); canonical != "" {
			v.Canonical = &canonical
		}
		vectors = append(vectors, v)
	}
	return vectors
}

// orderVector has all inputs sorted, and for each the sign of its comparison with each input.
type orderVector struct {
	Sorted []string
	Signs  []string
}

func versionOrder() orderVector {
	sorted := append([]string(nil), versionInputs...)
	semver.Sort(sorted)
	var signs []string
	for _, a := range versionInputs {
		var line strings.Builder
		for _, b := range versionInputs {
			line.WriteByte("<=>"[semver.Compare(a, b)+1])
		}
		signs = append(signs, line.String())
	}
	return orderVector{sorted, signs}
}

type majorVector struct {
	PathMajor string
	Allowed   []string
}

func pathMajors() (vectors []majorVector) {
	for _, pathMajor := range []string{"", "/v2", "/v3", "/v10", ".v0", ".v1", ".v2", ".v1-unstable", ".v2-unstable", "/v99999999999999999999"} {
		vector := majorVector{pathMajor, []string{}}
		for _, version := range versionInputs {
			if module.CheckPathMajor(version, pathMajor) == nil {
				vector.Allowed = append(vector.Allowed, version)
			}
		}
		vectors = append(vectors, vector)
	}
	return vectors
}

type pseudoVector struct {
	Version        string
	Pseudo         bool
	Time           *int64
	Base, Revision *string
}

func pseudoVersions() (vectors []pseudoVector) {
	for _, version := range versionInputs {
		v := pseudoVector{
			Version: version, Pseudo: module.IsPseudoVersion(version),
			Base: orNull(module.PseudoVersionBase(version)), Revision: orNull(module.PseudoVersionRev(version)),
		}
		if t, err := module.PseudoVersionTime(version); err == nil {
			ms := t.UnixMilli()
			v.Time = &ms
		}
		vectors = append(vectors, v)
	}
	return vectors
}

type madeVector struct {
	Major, Older, Revision, Version string
	Time                            int64
}

func madePseudoVersions() (vectors []madeVector) {
	for _, at := range []int64{0, 1546300800123, 1709210096999, -62135596800000} {
		for _, major := range []string{"", "v0", "v1", "v2"} {
			for _, older := range append([]string{""}, versionInputs...) {
				// The rest of them makes no difference but to the time.
				if at != 0 && len(older) > 9 {
					continue
				}
				made := module.PseudoVersion(major, older, time.UnixMilli(at), "abcdefabcdef")
				vectors = append(vectors, madeVector{major, older, "abcdefabcdef", made, at})
			}
		}
	}
	return vectors
}
