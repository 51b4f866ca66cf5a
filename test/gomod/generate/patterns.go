package main

import (
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

type patternVector struct {
	Patterns string
	Matches  []string
}

type patternVectors struct {
	Paths    []string
	Patterns []patternVector
}

func patterns() patternVectors {
	paths := []string{
		"git.example.com", "git.example.com/a", "git.example.com/a/b", "git.example.com/a/b/v2", "example.com", "example.com/a",
		"corp.example.com/x", "a.corp.example.com/x/y", "a.b.corp.example.com/x", "github.com/org/repo", "github.com/org", "github.com/orgs/x",
		"gopkg.in/yaml.v2", "a", "a/b", "a-b/c", "a]b/c", "a[b/c", "a*b/c", "a?b", "aab", "abb/x", "aXb", "ä.com/x", "", "/", "a/", "a//b", "^", "-", "\\",
		strings.Repeat("a", 60) + "/b",
	}
	vectors := patternVectors{Paths: paths}
	for _, globs := range []string{
		"git.example.com", "git.example.com/", "git.example.com//", "*.example.com", "*.corp.example.com", "*", "*/*", "*/*/*", "**", "*.*", "*.*.*",
		"github.com/org", "github.com/org/*", "github.com/*", "github.com/o*", "github.com/*/repo", "github.com/*g", "?", "??", "???", "?*", "*?", "*?*",
		"a[b", "a[]b", "a[]]b", "a\\]b", "a\\[b", "a[\\]]b", "a[^]]b", "a[*]b", "a[?]b", "a[a-c]b", "a[^a-c]b", "a[c-a]b", "a[-]b", "a[a-]b", "a[\\-]b",
		"a[--]b", "a[^-]b", "a[", "[", "]", "\\", "a\\", "\\a", "[a", "[a-", "[a-]", "[^", "[^]", "[]", "[^a]", "[\\", "[\\]", "[a]", "[ä].com", "[^b].com",
		"a[^b]b", "a/[^c]", "a[^x]b/*", "*[", "*]", "*a*b*c", "*a*a*a*a*a*a*a*a*a*a*a*c", "a*a*a*a*a*a*a*a*a*a*a*a*/b", "a*/b", "*a/b", "**/**", "*\\*b/*",
		"a,b", ",,a,", "x,git.example.com", "[,git.example.com", "git.example.com/a/b/v2/c", "/", "/a", "//", "a/", "a//", "a//b", "*/", "é", "ä.com", "?.com",
		"git.example.com/?", "git.example.com/[a-z]", "git.example.com/[a-z]/*", "git.example.com/[!a]", "git.example.com/a/b*", "GIT.example.com", "*.v2", "gopkg.in/*.v?",
	} {
		vector := patternVector{globs, []string{}}
		for _, path := range paths {
			if module.MatchPrefixPatterns(globs, path) && !slices.Contains(vector.Matches, path) {
				vector.Matches = append(vector.Matches, path)
			}
		}
		vectors.Patterns = append(vectors.Patterns, vector)
	}
	return vectors
}
