package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/view"
)

func (a *app) lessons() *cobra.Command {
	return &cobra.Command{
		Use:               "lessons",
		Short:             "the lessons, what each answers and takes, and how far you are",
		GroupID:           "tour",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			look, err := a.look()
			if err != nil {
				return err
			}
			show := view.Lessons(os.Stdout, look)
			if a.json {
				show = view.JSON(os.Stdout)
			}
			progress, err := course.LoadProgress()
			if err != nil {
				complain("%s", err)
			}
			minutes := 0
			for _, e := range listed(progress) {
				if err := show(e); err != nil {
					return err
				}
				minutes += e.Minutes.Reading + e.Minutes.Doing
			}
			if a.json {
				return nil // who adds up has the numbers
			}
			return show(lesson.Event{Kind: lesson.KindEnd, Text: fmt.Sprintf("All together: about %.0f hours.", float64(minutes)/60)})
		},
	}
}

// listed returns the lessons, each with how far the learner is.
func listed(p *course.Progress) []lesson.Event {
	here, _ := p.Place()
	var all []lesson.Event
	for _, l := range course.All() {
		reading, doing := l.Minutes()
		e := lesson.Event{
			Kind: lesson.KindLesson, Step: l.ID, Title: l.Title, Text: l.Asks, Life: course.IDs(),
			Minutes: &lesson.Minutes{Reading: reading, Doing: doing},
		}
		switch {
		case l.ID == here:
			e.Value = "here"
		case p.Finished(l.ID):
			e.Value = "finished"
		}
		all = append(all, e)
	}
	return all
}
