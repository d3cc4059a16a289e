"""The default learner: forests of small trees and a linear term, added up before one link."""
