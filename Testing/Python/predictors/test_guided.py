from predictors.predictor_tester import PredictorTester


class TestGuided(PredictorTester):
    name = "guided"
    least_dice = 0.85
