package view

import (
	"fmt"

	"fd3/lesson"
)

// A renderer draws Events, each kind in its own way. A kind that is added to lesson
// needs a case in draw, as TestEveryViewDrawsEveryKind finds, hence a method here, hence
// one in every view: none of them builds before it draws the new kind.
type renderer interface {
	step(lesson.Event)
	text(lesson.Event)
	enter(lesson.Event)
	returned(lesson.Event)
	argument(lesson.Event)
	bytes(lesson.Event)
	evidence(lesson.Event)
	process(lesson.Event)
	socket(lesson.Event)
	snapshot(lesson.Event)
	packet(lesson.Event)
	ladder(lesson.Event)
	sample(lesson.Event)
	chart(lesson.Event)
	way(lesson.Event)
	program(lesson.Event)
	moments(lesson.Event)
	path(lesson.Event)
	frame(lesson.Event)

	life(lesson.Event)
	lives(lesson.Event)
	connection(lesson.Event)
	request(lesson.Event)
	load(lesson.Event)
	end(lesson.Event)

	lesson(lesson.Event)
	setup(lesson.Event)
	choice(lesson.Event)
	verdict(lesson.Event)
}

// draw has the renderer draw an Event by the method of its kind.
func draw(r renderer, e lesson.Event) {
	switch e.Kind {
	case lesson.KindStep:
		r.step(e)
	case lesson.KindText:
		r.text(e)
	case lesson.KindEnter:
		r.enter(e)
	case lesson.KindReturn:
		r.returned(e)
	case lesson.KindArgument:
		r.argument(e)
	case lesson.KindBytes:
		r.bytes(e)
	case lesson.KindEvidence:
		r.evidence(e)
	case lesson.KindProcess:
		r.process(e)
	case lesson.KindSocket:
		r.socket(e)
	case lesson.KindSnapshot:
		r.snapshot(e)
	case lesson.KindPacket:
		r.packet(e)
	case lesson.KindLadder:
		r.ladder(e)
	case lesson.KindSample:
		r.sample(e)
	case lesson.KindChart:
		r.chart(e)
	case lesson.KindWay:
		r.way(e)
	case lesson.KindProgram:
		r.program(e)
	case lesson.KindMoments:
		r.moments(e)
	case lesson.KindPath:
		r.path(e)
	case lesson.KindFrame:
		r.frame(e)
	case lesson.KindLife:
		r.life(e)
	case lesson.KindLives:
		r.lives(e)
	case lesson.KindConnection:
		r.connection(e)
	case lesson.KindRequest:
		r.request(e)
	case lesson.KindLoad:
		r.load(e)
	case lesson.KindEnd:
		r.end(e)
	case lesson.KindLesson:
		r.lesson(e)
	case lesson.KindSetup:
		r.setup(e)
	case lesson.KindChoice:
		r.choice(e)
	case lesson.KindVerdict:
		r.verdict(e)
	default:
		panic(fmt.Sprintf("view: no method draws an Event of the kind %q", e.Kind))
	}
}
