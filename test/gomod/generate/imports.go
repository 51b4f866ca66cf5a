package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type goImport struct{ Prefix, Vcs, Root, Subdirectory string }

type importVector struct {
	Html   string
	Broken bool
	// As they stand there; what `mod` does to the others is left to the reader.
	Imports []goImport
}

func goImports() (vectors []importVector) {
	for _, html := range htmlInputs {
		imports, err := metaTags(html)
		vectors = append(vectors, importVector{html, err != nil && len(imports) == 0, imports})
	}
	return vectors
}

// metaTags reads a page with the decoder, and the settings of it, that the go command uses.
func metaTags(html string) ([]goImport, error) {
	decoder := xml.NewDecoder(strings.NewReader(html))
	decoder.Strict = false
	decoder.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		if c := strings.ToLower(charset); c != "utf-8" && c != "ascii" {
			return nil, fmt.Errorf("charset %q", charset)
		}
		return input, nil
	}
	imports := []goImport{}
	for {
		token, err := decoder.RawToken()
		if err == io.EOF {
			return imports, nil
		}
		if err != nil {
			return imports, err
		}
		switch tag := token.(type) {
		case xml.EndElement:
			if strings.EqualFold(tag.Name.Local, "head") {
				return imports, nil
			}
		case xml.StartElement:
			if strings.EqualFold(tag.Name.Local, "body") {
				return imports, nil
			}
			if !strings.EqualFold(tag.Name.Local, "meta") || valueOf(tag, "name") != "go-import" {
				continue
			}
			if f := append(strings.Fields(valueOf(tag, "content")), ""); len(f) == 4 || len(f) == 5 {
				imports = append(imports, goImport{f[0], f[1], f[2], f[3]})
			}
		}
	}
}

func valueOf(tag xml.StartElement, name string) string {
	for _, attribute := range tag.Attr {
		if strings.EqualFold(attribute.Name.Local, name) {
			return attribute.Value
		}
	}
	return ""
}

const good = `<meta name="go-import" content="a.b/c git https://a.b/c">`

var htmlInputs = []string{
	"", "text", good, "<head>" + good + "</head>", "</head>" + good, "<body>" + good, "<BODY>" + good, "<body/>" + good, "<head/>" + good,
	"<html><head>" + good + "<meta name=\"go-import\" content=\"a.b/d git https://a.b/d sub/dir\"></head><body></body></html>",
	`<META NAME="go-import" CONTENT="a.b/c git https://a.b/c">`, `<meta name="GO-IMPORT" content="a b c">`, `<meta name=go-import content="a b c">`,
	`<meta name='go-import' content='a b c'/>`, `<meta content="a b c" name="go-import">`, `<meta name="go-import" content="a b">`, `<meta name="go-import" content="a b c d e">`,
	`<meta name="go-import" content="  a	b
c ">`, `<meta name="go-import" content="a` + "\u00a0" + `b c">`, `<meta name="go-import" content="a b c` + "\u200b" + `">`,
	`<meta name="go-import" name="x" content="a b c">`, `<meta name="x" name="go-import" content="a b c">`, `<meta x:name="go-import" content="a b c">`, `<x:meta name="go-import" content="a b c">`,
	`<meta name="go-import" content="a b c" content="d e f">`, `<meta name="go-import">`, `<meta name="go-import" content>`, `<meta name="go-import" disabled content="a b c">`,
	`<meta name = "go-import" content = "a b c" >`, `<metaname="go-import" content="a b c">`, `<meta name="go-import"content="a b c">`,
	`<meta name="go-import" content="a b c&amp;d&#65;&#x42;&lt;&quot;&apos;&gt;">`, `<meta name="go-import" content="a b c&nbsp;d&foo;&bar">`, `<meta name="go-import" content="a b &#0;">`,
	`<meta name="go-import" content="a b &#xd800;">`, `<meta name="go-import" content="a b &#x110000;">`, `<meta name="go-import" content="a b &#99999999999999999999;">`, `<meta name="go-import" content="a b &#;&#x;&;&#x41&#65">`, `<meta name="go-import" content="a b &#32;c">`,
	"<!DOCTYPE html>" + good, "<!doctype html public \"-//W3C//DTD\">" + good, "<!DOCTYPE x [<!ENTITY a \"b>\">]>" + good, "<!DOCTYPE x <!-- > --> >" + good, "<!DOCTYPE x 'a>b' \"<\">" + good,
	"<!DOCTYPE x <a> <b> >" + good, "<!DOCTYPE x '" + good, "<!>>" + good, "<!x" + good, "<!DOCTYPE <!-> >" + good, "<!DOCTYPE <!--x--y--> >" + good, "<!DOCTYPE <!" + good + ">" + good,
	"<!-- x -->" + good, "<!-- " + good + " -->", "<!-- a -- b -->" + good, "<!--->" + good, "<!-->" + good, "<!---->" + good, "<!-----> " + good, "<!-- x" + good, "<!- x ->" + good, good + "<!-- a -- b -->" + good,
	"<![CDATA[ " + good + " ]]>" + good, "<![CDATA[ x" + good, "<![cdata[ ]]>" + good, "<![CDATA[<]]]]>" + good, "<![CDATA[\x01]]>" + good, "<![CDATA[\r&\ufffe]]>" + good, "<!--\x01-->" + good, "<!x \x01>" + good, "<?x \x01?>" + good, "]]>" + good, "a]]>b" + good, "a]]&gt;" + good, good + "]]>" + good,
	"<?xml version=\"1.0\"?>" + good, "<?xml version='1.0' encoding='UTF-8'?>" + good, "<?xml version=\"1.1\"?>" + good, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" + good, "<?xml encoding=\"ascii\"?>" + good, "<?xml encoding=ascii?>" + good,
	"<?xml encoding=\"\"?>" + good, "<?xml version=\"1.0\" encoding=\"us-ascii\"?>" + good, "<?php echo ?>" + good, "<?php > ?x?>" + good, "<?" + good, "<? ?>" + good, "<?xml?>" + good, "<?xml version=" + good, "<?xml version=1.1 version=\"1.2\"?>" + good, "<?XML version=\"2\"?>" + good,
	"<script>if (a < b) {}</script>" + good, "<script>if (a <b) {}</script>" + good, "<script>a && b &c; &</script>" + good, "<style>a > b</style>" + good, good + "<script>a < b</script>" + good,
	"<a href=x.y>" + good, "<a href=/x>" + good, "<a href=>" + good, "<a href=\"x\"/ >" + good, "<a / >" + good, "<a =x>" + good, "<a 1=2>" + good, "<a b:c:d=e>" + good, "<a:b:c>" + good, "<:a>" + good, "<a:>" + good, "<1>" + good, "<-a>" + good, "<.a>" + good, "<_a>" + good, "<ä>" + good, "<日 本='x'>" + good, "<a😀>" + good, "<>" + good, "< a>" + good,
	"</>" + good, "</a b>" + good, "</a >" + good, "</ a>" + good, "</HEAD>" + good, "</x:head>" + good, "<p>unclosed" + good + "</q>", "<br>" + good + "<br/>" + good,
	"<a b='<'>" + good, "<a b=\"x>y\">" + good, "<a b='x" + good, "<meta name=\"go-import\" content=\"a b c", "<meta name=\"go-import\" content=\"a b c\"", "<meta name=\"go-import\" content=\"a b c\"/", "<meta", "<", "</", "<!", "<?x", "<a b", "<a b=", "&", "&amp", "&#", "\x00" + good, "\x0b" + good, "\ufffe" + good, "😀" + good, "\ufeff" + good, "a\r\nb\rc" + good, "<a b='\x01'>" + good,
	`<meta name="go-import" content="a mod https://p">` + `<meta name="go-import" content="a git https://g">` + `<meta name="go-import" content="b git https://h">`,
	`<meta name="go-import" content="a git https://g"><meta name="go-import" content="a mod https://p">`,
}
