package formatters

import (
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// exercised reports whether it was asked if the right can be put to use.
func (v canView) exercised() bool {
	return v.Tiers.Exercisable != report.NotChecked && v.Tiers.Exercisable != ""
}

// exercise is the third tier on a line of its own: it is no matter of rights on the thing, so that the
// verdict says nothing of what keeps somebody from it.
func (v canView) exercise() []node {
	if !v.exercised() {
		return nil
	}
	s, tone := "Tier exercisable: "+answerTitle(v.Tiers.Exercisable), plain
	if v.Tiers.Exercisable != report.Yes {
		tone = alarm
		if lack := v.lack(); len(lack) > 0 {
			s += "; missing " + strings.Join(upTo(lack, maxReasons), ", ")
		}
	}
	return []node{{text: s + ".", tone: tone}}
}

// lack is what is missing to put the right to use, each once, with a mark where it may be there.
func (v canView) lack() []string {
	var all []string
	for _, set := range v.Missing {
		for _, m := range set.Facts {
			if m.Kind != report.StepEntitlement && m.Kind != report.StepCompute {
				continue
			}
			words := missingWords(m, shortSecurable)
			if !m.Known {
				words += " (not known to be missing)"
			}
			if !slices.Contains(all, words) {
				all = append(all, words)
			}
		}
	}
	return all
}
